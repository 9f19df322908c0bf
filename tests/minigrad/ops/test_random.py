"""A draw is a function of (seed, stream, counter), and what is drawn has the distribution it claims."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops import random
from minigrad.ops.random import Key
from tests.minigrad.ops.refusal import check_refusal

keys = st.builds(Key, st.integers(0, 2**40), st.text(max_size=8), st.integers(0, 2**32))


@given(keys, st.integers(0, 50))
def test_a_key_always_draws_the_same_bits(key: Key, count: int) -> None:
    np.testing.assert_array_equal(key.bits(count), Key(*key).bits(count))


@given(keys, st.integers(1, 30), st.integers(0, 30))
def test_a_longer_draw_begins_with_the_shorter(key: Key, count: int, more: int) -> None:
    np.testing.assert_array_equal(key.bits(count), key.bits(count + more)[:count])
    np.testing.assert_array_equal(key.bits32(count), key.bits32(count + more)[:count])


@given(keys)
def test_seed_stream_and_counter_each_change_the_draw(key: Key) -> None:
    others = [
        key._replace(seed=key.seed + 1),
        key._replace(stream=key.stream + "x"),
        key._replace(counter=key.counter + 1),
    ]
    words = set(key.bits(64).tolist())
    for other in others:
        assert not words & set(other.bits(64).tolist())


def test_the_bits_of_a_key_are_part_of_what_a_release_promises() -> None:
    """Frozen: a checkpoint resumes on another release only if its draws are still the same."""
    assert [hex(word) for word in Key(0, "dropout", 0).bits(2).tolist()] == ["0x8c04172f0b2861c8", "0x6741fd58e8ff5ffd"]
    first = np.random.Philox(key=[0, 0], counter=[2**64 - 1] * 4).random_raw(4)  # the block of counter 0
    # Random123's known answer for philox4x64-10
    assert [f"{word:016x}" for word in first.tolist()] == [
        "16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40])
def test_a_draw_takes_as_many_bits_as_it_needs(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    taken, bits = list[int](), Key.bits
    monkeypatch.setattr(Key, "bits", lambda key, count, *device: taken.append(count) or bits(key, count, *device))
    key, half = Key(0, "a", 0), (count + 1) // 2
    key.uniform((count,))
    key.uniform((count,), np.float64)
    key.normal((count,))
    key.bernoulli((count,), 0.5)
    mg.randint(9, (count,))
    assert taken == [half, count, 2 * half, half, count]


HALVES = np.array([0.5] * 6)
SHARES = np.array([0.1, 0.2, 0.3, 0.4])
DRAWN = {
    "rand": (lambda g: mg.rand(3, generator=g), [0.44647616, 0.52310777, 0.98925942]),
    "randn": (lambda g: mg.randn(3, generator=g), [1.4833615, -0.79103684, 0.38489729]),
    "randint": (lambda g: mg.randint(-5, 100, (4,), generator=g), [30, 46, 36, 4]),
    "randperm": (lambda g: mg.randperm(6, generator=g), [4, 3, 5, 0, 1, 2]),
    "normal": (lambda g: mg.normal(1.0, 2.0, (3,), generator=g), [3.9667230, -0.58207369, 1.7697946]),
    "normal of tensors": (
        lambda g: mg.normal(mg.tensor([0.0, 10.0]), mg.tensor([1.0, 2.0]), generator=g), [0.65819275, 9.6079178]),
    "bernoulli": (lambda g: mg.bernoulli(mg.tensor(HALVES), generator=g), [0, 0, 1, 1, 0, 0]),
    "multinomial": (lambda g: mg.multinomial(mg.tensor(SHARES), 3, generator=g), [3, 2, 0]),
    "multinomial, replaced": (lambda g: mg.multinomial(mg.tensor(SHARES), 5, True, generator=g), [1, 2, 1, 1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_what_a_function_makes_of_a_seed_is_part_of_that_promise(name: str) -> None:
    function, expected = DRAWN[name]
    np.testing.assert_allclose(function(mg.Generator(7)).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_draws_each_index_with_the_probability_of_its_share(replacement: bool) -> None:
    weights = mg.tensor(np.tile([2.0, 0.0, 6.0, 12.0], (20_000, 1)))
    drawn = mg.multinomial(weights, 2, replacement, generator=mg.Generator(1)).numpy()
    assert drawn.shape == (20_000, 2)
    first, second = (np.bincount(drawn[:, place], minlength=4) / 20_000 for place in (0, 1))
    error = 3.9 * math.sqrt(0.25 / 20_000)
    np.testing.assert_allclose(first, [0.1, 0.0, 0.3, 0.6], rtol=0, atol=error)
    again = [0.1, 0.0, 0.3, 0.6]  # or else, after 0, 2 and 3, by the shares of the two others
    others = [0.3 / 7 + 0.6 / 4, 0.0, 0.1 / 3 + 0.6 * 3 / 4, 0.1 * 2 / 3 + 0.3 * 6 / 7]
    np.testing.assert_allclose(second, again if replacement else others, rtol=0, atol=error)
    assert replacement or (drawn[:, 0] != drawn[:, 1]).all()
    assert first[1] == second[1] == 0.0


@pytest.mark.host("values are not looked at on a device, which would wait for it")
def test_multinomial_of_no_rows_draws_nothing_and_of_too_few_weights_is_refused() -> None:
    assert mg.multinomial(mg.ones(0, 3), 2).shape == (0, 2)
    for weights in ([1.0, 0.0, 0.0], [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]):
        with pytest.raises(ValueError, match="a row has only 1 weights above 0"):
            mg.multinomial(mg.tensor(weights), 2)
        assert mg.multinomial(mg.tensor(weights), 4, replacement=True).shape[-1] == 4
    with pytest.raises(ValueError, match="a row has only 0 weights above 0"):
        mg.multinomial(mg.zeros(3), 1, replacement=True)
    for count in (0, 4):
        with pytest.raises(ValueError, match=f"cannot draw {count} of 3"):
            mg.multinomial(mg.ones(3), count)


def test_what_is_done_to_the_default_generator_in_a_replay_ends_with_it() -> None:
    generator = mg.default_generator
    generator.manual_seed(3)
    before = generator.get_state()
    with generator.replaying({"seed": 5, "counter": 2}):
        assert generator.get_state() == {"seed": 5, "counter": 2} and generator.initial_seed() == 5
        mg.rand(1)
        assert generator.get_state()["counter"] == 3
        generator.set_state({"seed": 6, "counter": 9})
        assert generator.get_state() == {"seed": 6, "counter": 9}
        mg.manual_seed(8)
        assert generator.get_state() == {"seed": 8, "counter": 0}
    assert generator.get_state() == before


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_fills_the_half_open_interval_evenly(dtype: str) -> None:
    values = Key(1, "u", 0).uniform((20_000,), dtype).astype(np.float64)
    assert values.min() >= 0.0 and values.max() < 1.0
    counts, _ = np.histogram(values, 16, (0.0, 1.0))
    expected = len(values) / 16
    assert ((counts - expected) ** 2 / expected).sum() < 37.7  # chi-square, 15 degrees of freedom, p = 0.001


def test_uniform_never_rounds_up_to_one() -> None:
    class Ones(Key):
        def bits(self, count: int, backend: object = None) -> np.ndarray:
            return np.full(count, 2**64 - 1, np.uint64)

    for dtype in ("float16", "float32", "float64"):
        assert Ones(0, "", 0).uniform((3,), dtype).max() < 1.0


def test_normal_has_the_distribution_function_of_a_normal() -> None:
    values = np.sort(Key(2, "n", 0).normal((20_001,), np.float64))
    expected = 0.5 * (1.0 + np.array([math.erf(value / math.sqrt(2.0)) for value in values]))
    distance = np.abs(expected - (np.arange(len(values)) + 0.5) / len(values)).max()
    assert distance < 1.95 / math.sqrt(len(values))  # Kolmogorov-Smirnov, p = 0.001


def test_the_two_halves_of_a_normal_draw_are_uncorrelated() -> None:
    values = Key(2, "n", 1).normal((2, 20_000), np.float64)
    assert abs(np.corrcoef(values)[0, 1]) < 3.3 / math.sqrt(20_000)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.999, 1.0])
def test_bernoulli_has_its_probability(p: float) -> None:
    mean = Key(3, "b", 0).bernoulli((40_000,), p).mean()
    assert abs(mean - p) <= 3.3 * math.sqrt(p * (1 - p) / 40_000)


def test_a_generator_continues_from_its_state_and_starts_again_from_its_seed() -> None:
    generator = mg.Generator(5)
    mg.randn(3, generator=generator)
    state = generator.get_state()
    second = mg.randn(3, generator=generator)
    generator.set_state(state)
    assert (mg.randn(3, generator=generator) == second).all()
    assert not (mg.randn(3, generator=generator.manual_seed(5)) == second).all()


def test_normal_takes_numbers_and_a_size_or_tensors_and_none() -> None:
    assert mg.normal(0.0, 1.0, (2, 3)).shape == mg.normal(mg.zeros(2, 1), mg.ones(3)).shape == (2, 3)
    for arguments in ((0.0, 1.0), (mg.zeros(2), 1.0, (2,)), (0.0, mg.ones(2), (2,))):
        with pytest.raises(TypeError, match="two numbers and a size, or tensors and no size"):
            mg.normal(*arguments)


def test_a_normal_draw_lies_beside_its_tensors() -> None:
    for device in ("cpu", mg.get_default_device()):
        assert mg.normal(mg.zeros(2, device=device), mg.ones(2, device=device)).device == device


def test_randint_stays_in_range_and_reaches_both_ends() -> None:
    mg.manual_seed(0)
    values = mg.randint(-3, 4, (500,)).numpy()
    assert (values.min(), values.max(), values.dtype) == (-3, 3, np.int64)
    assert mg.randint(3, (500,)).numpy().max() == 2
    with pytest.raises(ValueError, match="low < high"):
        mg.randint(4, 4, (2,))


def test_randint_takes_every_range_that_its_dtype_holds() -> None:
    for low, high, dtype in (
        (-(2**63), 2**63, "int64"), (0, 2**64, "uint64"), (-128, 128, "int8"), (-2048, 2049, "float16"), (0, 2, "bool"),
    ):  # fmt: skip
        values = mg.randint(low, high, (2000,), generator=mg.Generator(1), dtype=dtype)
        assert values.dtype == np.dtype(dtype)
        numbers, edge = values.data.astype(object), (high - low) / 50
        assert low <= numbers.min() < low + edge + 1 and high - edge - 2 < numbers.max() < high
    for low, high, dtype in (
        (0, 2**63 + 1, "int64"), (-129, 0, "int8"), (-1, 3, "uint8"), (0, 2050, "float16"), (0, 3, "bool"),
        (-1, 1, "bool"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"do not fit {dtype}"):
            mg.randint(low, high, (2,), dtype=dtype)


def test_randint_takes_numpys_integers_and_gives_a_tensor_of_no_dimensions() -> None:
    assert mg.randint(np.int64(0), np.int32(5), (3,)).shape == (3,)
    single = mg.randint(0, 5, ())
    assert type(single.data) is type(mg.zeros(1).data) and single.shape == () and single.add_(1).item() >= 1
    with pytest.raises(TypeError, match="randint takes"):
        mg.randint(0.5, (2,))


def test_randperm_is_a_permutation() -> None:
    assert sorted(mg.randperm(50).tolist()) == list(range(50))
    assert mg.randperm(np.int64(3), dtype=mg.int32).dtype == np.int32
    with pytest.raises(ValueError, match="0 to 299 do not fit int8"):
        mg.randperm(300, dtype="int8")


@pytest.mark.parametrize("wrong", [2.5, [5, 6, 7], None])
def test_randperm_takes_one_whole_number(wrong: object) -> None:
    with pytest.raises(TypeError, match=f"randperm takes a whole number, got {type(wrong).__name__}"):
        mg.randperm(wrong)


def test_sizes_are_not_negative() -> None:
    for draw in (lambda *size: mg.rand(*size), lambda *size: mg.randn(*size), lambda *size: mg.randint(3, size)):
        for size in ((-1,), (-1, -2), (2, -1)):
            with pytest.raises(mg.ShapeError, match="negative"):
                draw(*size)
    with pytest.raises(ValueError, match="no -1 integers"):
        mg.randperm(-1)


def test_bernoulli_draws_by_its_probabilities() -> None:
    class Zero(Key):
        def uniform(self, shape: tuple[int, ...], *_: object) -> object:
            return mg.zeros(shape, dtype=mg.float64).data

    generator = mg.Generator()
    generator.key = lambda stream: Zero(0, stream, 0)
    drawn = mg.bernoulli(mg.tensor([0.0, 1e-9, 1.0]), generator=generator)  # a draw of 0 is below all but 0
    assert drawn.tolist() == [0.0, 1.0, 1.0]
    single = mg.bernoulli(mg.tensor(0.5))
    assert type(single.data) is type(mg.zeros(1).data) and single.shape == () and single.dtype == np.float32


def test_a_normal_draw_is_finite_whatever_the_bits() -> None:
    class Zeros(Key):
        def bits(self, count: int, backend: object = None) -> np.ndarray:
            return np.zeros(count, np.uint64)

    assert np.isfinite(Zeros(0, "", 0).normal((4,), np.float64)).all()


def test_a_generator_counts_its_draws_one_by_one() -> None:
    """Frozen, as the bits are: a checkpoint holds the counter."""
    generator = mg.Generator(3)
    assert [generator.key("a").counter for _ in range(3)] == [0, 1, 2]
    assert generator.get_state() == {"seed": 3, "counter": 3}


def test_integers_cannot_be_drawn_from_a_continuous_distribution() -> None:
    with pytest.raises(TypeError, match="floating-point"):
        mg.randn(2, dtype=mg.int64)


@pytest.mark.parametrize("count", [0, 1, 6, 7, 40])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_normal_numbers_are_the_same_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch, count: int, dtype: type
) -> None:
    key, found = Key(3, "normal", 5), list[Any]()
    for block in (1, 4, 1 << 15):
        monkeypatch.setattr(random, "BLOCK", block)
        found.append(key.normal((count,), dtype))
        assert found[-1].shape == (count,) and found[-1].dtype == dtype
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


SETTINGS = {
    "half": {"dtype": mg.float16}, "double": {"dtype": mg.float64}, "with a gradient": {"requires_grad": True},
    "on the host": {"device": "cpu"}, "by default": {"dtype": None, "device": None},
}  # fmt: skip
WHOLE = {"int32": {"dtype": mg.int32}, "bool": {"dtype": mg.bool}, "on the host": {"device": "cpu"}}


def expected_settings(settings, dtype=mg.float32):
    device = settings.get("device") or mg.get_default_device()
    return settings.get("dtype") or dtype, device, settings.get("requires_grad", False)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("draw", [
    lambda **k: mg.rand(2, 3, **k), lambda **k: mg.randn(2, 3, **k), lambda **k: mg.rand(size=(2, 3), **k),
    lambda **k: mg.randn(size=[2, 3], **k), lambda **k: mg.normal(0.0, 1.0, (2, 3), **k),
    lambda **k: mg.rand_like(mg.zeros(2, 3), **k), lambda **k: mg.randn_like(mg.zeros(2, 3), **k),
])  # fmt: skip
def test_a_draw_has_the_dtype_the_device_and_the_history_asked_for(draw, name) -> None:
    drawn = draw(**SETTINGS[name])
    assert drawn.shape == (2, 3) and (drawn.dtype, drawn.device, drawn.requires_grad) == expected_settings(
        SETTINGS[name]
    )


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("draw, shape", [
    (lambda **k: mg.randint(2, (2, 3), **k), (2, 3)), (lambda **k: mg.randint(0, 2, (2, 3), **k), (2, 3)),
    (lambda **k: mg.randint(low=0, high=2, size=(2, 3), **k), (2, 3)), (lambda **k: mg.randperm(2, **k), (2,)),
    (lambda **k: mg.randint_like(mg.zeros(2, 3, dtype=mg.int64), 2, **k), (2, 3)),
    (lambda **k: mg.randint_like(mg.zeros(2, 3, dtype=mg.int64), 0, high=2, **k), (2, 3)),
])  # fmt: skip
def test_a_draw_of_whole_numbers_has_the_dtype_and_the_device_asked_for(draw, shape, name) -> None:
    drawn = draw(**WHOLE[name])
    assert drawn.shape == shape
    assert (drawn.dtype, drawn.device, drawn.requires_grad) == expected_settings(WHOLE[name], mg.int64)


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_a_draw_like_a_tensor_has_its_dtype_and_device(dtype) -> None:
    for device in ("cpu", mg.get_default_device()):
        x = mg.zeros(2, 3, dtype=dtype, device=device)
        draws = [
            mg.rand_like(x), mg.randn_like(x), mg.randint_like(x, 2), mg.bernoulli(x), mg.normal(x), mg.normal(x, x),
            mg.normal(0.0, x), mg.multinomial(x + 1, 2), mg.multinomial(x + 1, 2, True),
        ]  # fmt: skip
        assert [draw.device for draw in draws] == [device] * 9
        assert [draw.dtype for draw in draws] == [dtype] * 7 + [mg.int64] * 2
        assert [draw.shape for draw in draws] == [(2, 3)] * 7 + [(2, 2)] * 2


REFUSED = [
    (mg.rand, (-1,), {}), (mg.randn, (2, -1), {}), (mg.rand, (2,), {"dtype": mg.int64}), (mg.rand, (2,), {"size": 2}),
    (mg.randn, (2,), {"dtype": mg.bool}), (mg.randint, (5, 5, (2,)), {}), (mg.randint, (0.5, (2,)), {}),
    (mg.randint, (0, 5, 2), {}), (mg.randint, (5,), {}), (mg.randint, (0, 129, (2,)), {"dtype": "int8"}),
    (mg.randint, (-129, 0, (2,)), {"dtype": "int8"}), (mg.randint, (5, (-1,)), {}), (mg.randperm, (-1,), {}),
    (mg.randperm, (2.5,), {}), (mg.randperm, (300,), {"dtype": "int8"}), (mg.randperm, (3,), {"dtype": mg.bool}),
    (mg.normal, (0.0, 1.0), {}), (mg.normal, (0.0, -1.0, (2,)), {}), (mg.normal, (mg.ones(2), 1.0, (2,)), {}),
    (mg.normal, (mg.ones(2), -mg.ones(2)), {}), (mg.normal, (mg.ones(2), mg.ones(3)), {}),
    (mg.multinomial, (mg.ones(3), 0), {}), (mg.multinomial, (mg.ones(3), 4), {}),
    (mg.multinomial, (mg.ones(1, 1, 3), 1), {}),
    (mg.multinomial, (mg.tensor([1, 2]), 1), {}), (mg.multinomial, (mg.tensor([1.0, -1.0]), 1), {}),
    (mg.multinomial, (mg.tensor([1.0, math.inf]), 1), {}), (mg.multinomial, (mg.zeros(3), 1, True), {}),
    (mg.bernoulli, (mg.tensor([1.5]),), {}), (mg.bernoulli, (mg.tensor([-0.5]),), {}),
    (mg.randint_like, (mg.ones(2), 5, 5), {}), (mg.rand_like, (mg.tensor([1]),), {}),
    (mg.randn_like, (mg.tensor([1]),), {}),
]  # fmt: skip


@pytest.mark.host("values are not looked at on a device, which would wait for it")
@pytest.mark.parametrize("function, args, settings", REFUSED)
def test_an_impossible_draw_is_refused_by_name(function, args, settings) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        function(*args, **settings)
    check_refusal(error.value, function, (args, settings))



def test_a_draw_of_zero_does_not_reach_a_weight_of_zero() -> None:
    class Zero(Key):
        def uniform(self, shape: tuple[int, ...], *_: object) -> object:
            return mg.zeros(shape, dtype=mg.float64).data

    generator = mg.Generator()
    generator.key = lambda stream: Zero(0, stream, 0)
    assert mg.multinomial(mg.tensor([0.0, 0.0, 1.0, 1.0]), 2, True, generator=generator).tolist() == [2, 2]
