"""Every operation over a grid of its arguments: PyTorch's values, shapes, dtypes and history, and its refusals.

The grid is `tests/oracle/grid_cases.py`. What we answer where PyTorch refuses, or otherwise than it, stands here with
the reason.
"""

import dataclasses
import json
import re

import numpy as np
import pytest

import minigrad as mg
from tests.minigrad.ops.refusal import WORDS, check_refusal, words
from tests.oracle import make_grid
from tests.oracle.grid import REFUSALS, calls_of, described, function_of, outcome, tensors_in
from tests.oracle.grid_cases import NAMES, SHEETS

RECORDED = np.load(make_grid.FILE)
TOLD = json.loads(str(RECORDED["told"]))
ULPS = {"float64": 2e-13, "float32": 4e-6, "float16": 4e-3}  # of two libraries, over sums of some products

# Calls that PyTorch refuses and we answer.
BEYOND = {
    "a number stands for a tensor": r"(\w+\.)?(a(rc)?tan2_?|hypot_?|logaddexp|logical_\w+|(max|min)imum|isin|inner)\(.*"
                                    r", (-?[\d.]+|True)\b.*\)",
    "bools are numbers": r"[\w.]+\(.*(\bb:|True).*\)",
    "whole numbers are made float32": r"((log_)?softmax|hypot|logaddexp)\([iu].*\)",
    "whole numbers have whole parts": r"(Tensor\.)?(frac_?|round)\([iu].*\)",
    "a dtype may be narrower, and whole": r"[\w.]+\(.*dtype=.*\)",
    "`keepdim` needs no `dim`": r"\w+\(f64:2,3, keepdim=\w+\)",
    "operands of two dtypes have a common one": r"(Tensor\.)?(addbmm|addm[mv]|baddbmm|lerp_?|index_put_?|meshgrid|add|"
                                                r"clamp_?|clip)\(.*\)|linalg\.vecdot\(.*\)",
    "an index of int32 is one, a 0-d tensor a number": r"(Tensor\.)?index_fill_?\(.*(i32.*|value=f64:)\)",
    "one size is a shape": r"(reshape|tile)\(.*, 6\)",
    "vectors of one element broadcast": r"linalg\.vecdot\(f64:1, f64:3\)",
}  # fmt: skip
# Calls whose answer is another one than PyTorch's.
OTHERWISE = {
    "a number beyond an unsigned dtype is refused, or compared as it is": r"[\w.]+\(u8:3, (other=)?-1.*\)",
    "a bool to the power of a bool": r"(Tensor\.)?(__)?pow_*\(b:3, True\)",
    "whole numbers to a negative power are refused": r"Tensor\.__rpow__\(([iu]|f64:2,3, i64).*\)",
    "a quotient has the dtype of a quotient": r"Tensor\.__rtruediv__\((i64|f16|f32):3?, f\d\d:3?\)",
    "whole numbers times a fraction": r"addmv\(.*i64:.*alpha=0.5\)|addr\(f64:, .*i64:.*\)",
    "truth is of bools": r"(any|all)\(u8.*\)",
    "halves are rounded at each step": r"(Tensor\.)?addc(mul|div)_?\(f\d\d:[\d,]+, (tensor1=)?f16.*\)",
    "windows of nothing, weights of nothing and scans over no dimension are refused":
        r"Tensor\.unfold\(f64:5, 0, 0, 1\)|bincount\(3:0, .*\)|cum(max|min)\(f64:\d,\d, .*\)",
    "the norms of singular values are not there": r"linalg\.norm\(f64:2,3, 2\)",
    "'amax' has one name": r"(Tensor\.)?scatter_reduce_?\(.*'max'\)",
}  # fmt: skip


# What is constant almost everywhere, or whole, or has no gradient here, has no history; or the tensor's own.
OTHER_HISTORY = {"unique", "bincount", "cdist", "Tensor.fill_", "linalg.norm", "linalg.vector_norm", "slogdet",
                 "linalg.slogdet"}  # fmt: skip

LOOKS_AWAY = mg.get_default_device() != "cpu"  # a device does not look at values, and has its own words for dtypes


def matches(table, call):
    return any(re.fullmatch(pattern, repr(call)) for pattern in table.values())


def count(told):
    """How many values belong to an answer."""
    sizes = re.findall(r"\w+(?:\[([\d,]*)\]|!)", told)
    return sum(int(np.prod([int(size) for size in each.split(",") if size])) for each in sizes)


def recorded(name):
    """The calls of a function, each with PyTorch's answer."""
    place = 0
    for call, told in zip(calls_of(name, SHEETS), TOLD[name], strict=True):
        values = RECORDED[name][place : place + count(told)]
        place += count(told)
        yield call, told, values
    assert place == len(RECORDED[name])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_answers_and_refusals_are_those_of_pytorch(name):
    refusals = set()
    with np.errstate(all="ignore"):
        for call, told, values in recorded(name):
            try:
                out, given = outcome(mg, call)
                assert {each.device for each in tensors_in(out)} <= {mg.get_default_device()}, call
                ours, numbers = described(out, given)
            except REFUSALS as error:
                if "__" not in name and not LOOKS_AWAY:
                    check_refusal(error, function_of(mg, name), call)
                refusals.add(words(error))
                ours, numbers = "refused", []
            if matches(OTHERWISE, call) or (told == "refused" and matches(BEYOND, call)):
                continue
            if LOOKS_AWAY and told == "refused":
                continue
            if name in OTHER_HISTORY:
                ours, told = ours.replace("*", ""), told.replace("*", "")
            assert ours == told, call
            bound = max((ULPS[kind] for kind in re.findall(r"float\d\d", told)), default=2e-13)
            np.testing.assert_allclose(numbers, values, rtol=bound, atol=bound * 10, err_msg=repr(call))
    assert LOOKS_AWAY or refusals == set(WORDS[name])


def gradients(call):
    """Of all that requires grad among the arguments. None if the call is refused, or has no gradient."""
    try:
        out, (args, settings, first) = outcome(mg, call)
    except REFUSALS:
        return None
    leaves = [each for each in tensors_in((first, args[1:], settings)) if each.requires_grad]
    if not out.requires_grad:
        return None
    found = mg.autograd.grad((out * out).sum(), leaves, allow_unused=True)
    return [None if each is None else each.cpu().numpy() for each in found]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_") and hasattr(mg, name[7:-1])])
def test_what_is_done_in_place_has_the_gradients_of_what_is_done_out_of_place(name):
    with np.errstate(all="ignore"):
        for call in calls_of(name, SHEETS):
            mine = gradients(call) if repr(call.args[0]).startswith("f64") else None  # others would be rounded
            if mine is not None:
                theirs = gradients(dataclasses.replace(call, name=name[7:-1]))
                for ours, expected in zip(mine, theirs or mine, strict=True):  # truth in a float has the tensor's own
                    np.testing.assert_array_equal(ours, expected, err_msg=repr(call))


def test_the_recorded_answers_are_those_of_the_installed_pytorch():
    pytest.importorskip("torch")
    again = make_grid.record()
    assert json.loads(str(again.pop("told"))) == TOLD
    for name, values in again.items():
        np.testing.assert_allclose(values, RECORDED[name], rtol=4e-3, atol=4e-3, err_msg=name)
