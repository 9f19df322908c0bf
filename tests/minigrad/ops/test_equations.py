"""Contractions by random equations: NumPy's values, of repeated, summed and broadcast letters; and wrong equations."""

import numpy as np
import pytest

import minigrad as mg

SIZES = {"a": 2, "b": 3, "c": 1, "d": 4, "e": 2, "Z": 3}


def equation(rng):
    """Of one to four terms, some with dots, some letters twice in a term, with the output told or not."""
    terms, ranks = [], []
    for _ in range(rng.integers(1, 5)):
        term = "".join(rng.choice(list(SIZES), rng.integers(0, 4)))
        dotted = rng.random() < 0.4
        place = rng.integers(0, len(term) + 1)
        terms.append(term[:place] + "..." + term[place:] if dotted else term)
        ranks.append(int(rng.integers(0, 3)) if dotted else 0)
    letters = sorted({letter for term in terms for letter in term if letter != "."})
    if rng.random() < 0.4:
        return terms, ranks, ""
    out = "".join(rng.permutation(letters)[: rng.integers(0, len(letters) + 1)]) if letters else ""
    if any("." in term for term in terms):
        place = rng.integers(0, len(out) + 1)
        out = out[:place] + "..." + out[place:]
    return terms, ranks, "->" + out


def operand(rng, term, rank):
    """Whose dots have sizes that broadcast with those of others."""
    before, dots, after = term.partition("...")
    wide = [5, 2][2 - rank :]
    batch = [size if rng.random() < 0.7 else 1 for size in wide] if dots else []
    return rng.normal(size=[*(SIZES[letter] for letter in before), *batch, *(SIZES[letter] for letter in after)])


@pytest.mark.parametrize("seed", range(40))
def test_a_random_equation_has_numpys_values_and_right_gradients(seed):
    rng = np.random.default_rng(seed)
    for _ in range(6):
        terms, ranks, out = equation(rng)
        text = ",".join(terms) + out
        arrays = [operand(rng, term, rank) for term, rank in zip(terms, ranks)]
        tensors = [mg.tensor(array, requires_grad=True) for array in arrays]
        expected = np.einsum(text, *arrays)
        result = mg.einsum(text, *tensors)
        np.testing.assert_allclose(result.detach().data, expected, rtol=1e-11, atol=1e-12, err_msg=text)
        weights = rng.normal(size=expected.shape)
        (result * mg.tensor(weights)).sum().backward()
        for place, array in enumerate(arrays):  # linear in each operand
            step = rng.normal(size=array.shape)
            changed = np.einsum(text, *arrays[:place], step, *arrays[place + 1 :])
            np.testing.assert_allclose(
                (tensors[place].grad.data * step).sum(), (changed * weights).sum(), rtol=1e-9, atol=1e-10, err_msg=text
            )


@pytest.mark.parametrize("seed", range(20))
def test_a_product_over_chosen_dimensions_is_numpys(seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        shared = rng.integers(1, 4, rng.integers(0, 3)).tolist()
        rows, columns = (rng.integers(1, 4, rng.integers(0, 3)).tolist() for _ in range(2))
        x_order, y_order = (rng.permutation(len(shared) + len(rest)) for rest in (rows, columns))
        x = rng.normal(size=[*shared, *rows]).transpose(x_order)
        y = rng.normal(size=[*shared, *columns]).transpose(y_order)
        dims = [[int(np.where(order == k)[0][0]) for k in range(len(shared))] for order in (x_order, y_order)]
        negative = [[dim - array.ndim for dim in chosen] for chosen, array in zip(dims, (x, y))]
        for given in (dims, negative):
            product = mg.tensordot(mg.tensor(x), mg.tensor(y), given)
            np.testing.assert_allclose(product.data, np.tensordot(x, y, dims), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(mg.kron(mg.tensor(x), mg.tensor(y)).data, np.kron(x, y), rtol=1e-12)


@pytest.mark.parametrize("text, shapes, reason", [
    ("ab,bc", [(2, 3)], "names 2 operands, got 1"), ("a1", [(2, 3)], "an index is a letter"),
    ("a..b", [(2, 3)], "dots come as one"), ("a......b", [(2, 3)], "dots come as one"), ("ab->..", [(2, 3)], "dots"),
    ("abc", [(2, 3)], "'abc' does not fit an operand"), ("a", [(2, 3)], "'a' does not fit an operand"),
    ("...abc", [(2, 3)], "does not fit an operand"), ("ab,ab", [(2, 3), (3, 2)], "index 'a' has sizes 2 and 3"),
    ("...,...", [(2, 3), (2, 2)], "has sizes 3 and 2"), ("ab->abc", [(2, 3)], "the output must name indices"),
    ("ab->aa", [(2, 3)], "each once"), ("aa", [(2, 3)], "index 'a' has sizes 2 and 3"),
    ("aa", [(1, 3)], "repeated index 'a' has sizes 1 and 3"), ("ab-a", [(2, 3)], "'ab-a' does not fit"),
])  # fmt: skip
def test_an_equation_that_does_not_fit_is_refused(text, shapes, reason):
    with pytest.raises(ValueError, match=rf"^einsum.*{reason}"):
        mg.einsum(text, *map(mg.ones, shapes))
