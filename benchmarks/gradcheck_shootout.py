"""Gradient checkers over published wrong backwards (GradBugs) and right but hard ones (HardButRight).

    python -m benchmarks.gradcheck_shootout [--only CHECKER ...] [--json FILE] [--show]

Every checker gets the same NumPy pair of a forward and a backward through its own door for such, with its default
settings: ours; PyTorch's gradcheck, slow and fast; JAX's check_grads; HIPS autograd's check_grads. One that is not
installed is named as absent. A check that raises anything, or says no, has "flagged" the pair: of a wrong backward that
is a bug caught, of a right one a false alarm. Where it says that it cannot tell, or refuses the point (a narrow dtype,
no numbers at all), it is inconclusive and neither. Seconds are of this machine and of all that ran beside it.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.testing import GradientError, Verdict, check_vjp_pair
from minigrad.testing.mutants.gradbugs import GRADBUGS
from minigrad.testing.mutants.hardbutright import HARD_BUT_RIGHT

Pair = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]
UNTOLD = (Verdict.INCONCLUSIVE, Verdict.NONDIFFERENTIABLE, Verdict.DISCONTINUOUS)


class Undecided(Exception):
    """The checker says that it cannot tell."""


def ours(forward: Any, vjp: Any, arrays: Any) -> None:
    try:
        check_vjp_pair(forward, vjp, *arrays)
    except GradientError as error:
        if error.report.verdict in UNTOLD:
            raise Undecided from error
        raise


def split(vjp: Any, g: Any, arrays: Any) -> list[Any]:
    """A gradient for every array, None for integers, as all doors but ours want them."""
    given = vjp(g, *arrays)
    every = list(given) if isinstance(given, tuple | list) else [given]
    if len(every) != len(arrays):
        raise ValueError(f"{len(every)} gradients for {len(arrays)} inputs")
    return every


def floating(arrays: Any) -> list[int]:
    return [i for i, x in enumerate(arrays) if np.asarray(x).dtype.kind == "f"]


def torch_gradcheck(fast: bool) -> Callable[..., None]:
    def check(forward: Any, vjp: Any, arrays: Any) -> None:
        import torch

        class Function(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                ctx.arrays = [t.detach().numpy() for t in tensors]
                out = forward(*ctx.arrays)
                ctx.several = isinstance(out, tuple)
                made = tuple(torch.from_numpy(np.array(o)) for o in (out if ctx.several else (out,)))
                return made if ctx.several else made[0]

            @staticmethod
            def backward(ctx: Any, *cotangents: Any) -> Any:
                gs = tuple(c.detach().numpy() for c in cotangents)
                gradients = split(vjp, gs if ctx.several else gs[0], ctx.arrays)
                return tuple(None if g is None else torch.from_numpy(np.array(g)) for g in gradients)

        moving = floating(arrays)
        tensors = [torch.from_numpy(np.array(x)).requires_grad_(i in moving) for i, x in enumerate(arrays)]
        try:
            torch.autograd.gradcheck(Function.apply, tensors, fast_mode=fast)
        except RuntimeError as error:
            if "gradcheck only supports" in str(error):
                raise Undecided from error
            raise

    return check


def jax_check_grads(forward: Any, vjp: Any, arrays: Any) -> None:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    logging.getLogger("jax").setLevel(logging.CRITICAL)  # it also prints what it raises
    moving = floating(arrays)

    def whole(xs: Any) -> list[Any]:
        every = [np.asarray(x) for x in arrays]
        for i, x in zip(moving, xs):
            every[i] = np.array(x)
        return every

    out = forward(*arrays)
    shapes = jax.tree.map(lambda o: jax.ShapeDtypeStruct(np.shape(o), np.asarray(o).dtype), out)
    like = tuple(jax.ShapeDtypeStruct(np.shape(arrays[i]), np.asarray(arrays[i]).dtype) for i in moving)

    def run(*xs: Any) -> Any:
        return jax.tree.map(np.array, forward(*whole(xs)))

    def pull(g: Any, *xs: Any) -> Any:
        gradients = split(vjp, jax.tree.map(np.array, g), whole(xs))
        return tuple(np.zeros(np.shape(arrays[i])) if gradients[i] is None else np.array(gradients[i]) for i in moving)

    function = jax.custom_vjp(lambda *xs: jax.pure_callback(run, shapes, *xs))
    function.defvjp(lambda *xs: (function(*xs), xs), lambda xs, g: jax.pure_callback(pull, like, g, *xs))
    check_grads(function, tuple(np.array(arrays[i]) for i in moving), order=1, modes=["rev"])


def autograd_check_grads(forward: Any, vjp: Any, arrays: Any) -> None:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    moving = floating(arrays)

    def whole(xs: Any) -> list[Any]:
        every = [np.asarray(x) for x in arrays]
        for i, x in zip(moving, xs):
            every[i] = np.asarray(x)
        return every

    @primitive
    def function(*xs: Any) -> Any:
        return forward(*whole(xs))

    def rule(k: int) -> Callable[..., Any]:
        def made(ans: Any, *xs: Any) -> Callable[..., Any]:
            def pull(g: Any) -> Any:
                gradient = split(vjp, g, whole(xs))[moving[k]]
                return np.zeros(np.shape(xs[k])) if gradient is None else gradient

            return pull

        return made

    defvjp(function, *(rule(k) for k in range(len(moving))))
    every = tuple(range(len(moving)))  # by default the first argument alone would be looked at
    check_grads(function, argnum=every, modes=["rev"], order=1)(*(np.array(arrays[i]) for i in moving))


CHECKERS: dict[str, tuple[str | None, Callable[..., None]]] = {
    "minigrad.testing": (None, ours),
    "torch gradcheck": ("torch", torch_gradcheck(fast=False)),
    "torch gradcheck, fast": ("torch", torch_gradcheck(fast=True)),
    "jax check_grads": ("jax", jax_check_grads),
    "autograd check_grads": ("autograd", autograd_check_grads),
}


def outcome(check: Callable[..., None], pair: Pair) -> str:
    """"passed", "flagged" or "undecided"."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            check(*pair)
        except Undecided:
            return "undecided"
        except Exception:  # whatever a checker may say no with
            return "flagged"
    return "passed"


def judge(check: Callable[..., None]) -> dict[str, Any]:
    start = time.perf_counter()
    bugs = {bug.name: outcome(check, (bug.forward, bug.wrong, bug.arrays())) for bug in GRADBUGS}
    repaired = {bug.name: outcome(check, (bug.forward, bug.right, bug.arrays())) for bug in GRADBUGS}
    hard = {each.name: outcome(check, (each.forward, each.vjp, each.arrays())) for each in HARD_BUT_RIGHT}
    return {"bugs": bugs, "repaired": repaired, "hard": hard, "seconds": time.perf_counter() - start}


def row(name: str, result: dict[str, Any]) -> str:
    def count(part: str, what: str) -> int:
        return list(result[part].values()).count(what)

    pairs = zip(result["bugs"].values(), result["repaired"].values())
    apart = sum(wrong == "flagged" and right == "passed" for wrong, right in pairs)
    untold = sum(count(part, "undecided") for part in ("bugs", "repaired", "hard"))
    return (
        f"| {name:22} | {count('bugs', 'flagged'):3} of {len(result['bugs'])} | "
        f"{apart:3} of {len(result['bugs'])} | {count('repaired', 'flagged'):3} of {len(result['repaired'])} | "
        f"{count('hard', 'flagged'):3} of {len(result['hard'])} | {untold:3} | {result['seconds']:7.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CHECKERS, default=list(CHECKERS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", action="store_true", help="name the bugs missed and the false alarms")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    print("| checker | bugs caught | told apart | their right ones flagged | hard ones flagged | undecided | s |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only:
        module, check = CHECKERS[name]
        if module is not None and find_spec(module) is None:
            print(f"| {name:22} | absent: {module} is not installed |")
            results[name] = None
            continue
        results[name] = judge(check)
        print(row(name, results[name]), flush=True)
        if options.show:
            for part, what in (("bugs", "passed"), ("repaired", "flagged"), ("hard", "flagged")):
                named = [each for each, found in results[name][part].items() if found == what]
                print(f"    {part} {what}: {', '.join(named) or 'none'}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
