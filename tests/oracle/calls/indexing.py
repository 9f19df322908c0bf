"""Reading and writing with every kind of index, alone and mixed."""

import numpy as np

from tests.oracle.calls.family import Family

CALLS = Family()

SIZE = (2, 3, 4)
MASK = np.array([[True, False, True], [False, False, True]])
TAIL = np.array([[True, False, True, True], [False, False, True, False], [False] * 4])
INDICES = [
    (0,), (-1, 2), (1, 2, -4), (0, slice(1, None)), (slice(None), 1, slice(None, None, 2)), (Ellipsis, 1),
    (1, Ellipsis, 0), (None,), (Ellipsis, None), (None, 0, None, slice(5, 9)), (slice(-2, None), None), (), (Ellipsis,),
    (True,), (False,), (True, 0), ([0, 1],), ([1],), ([],), ([-1, 0, 1],), ([[0], [1]],), (slice(None), [2, 0]),
    (slice(None), [[2, 0], [0, 1]]), ([0, 1], [2, -1]), ([[0], [1]], [2, 1, 0]), (Ellipsis, [3, 1]),
    ([0, 1], slice(1, None), [2, 3]), (slice(None), [0, 2], [1, 3]), ([1, 0], None, [0, 2]), (None, [1, 0]),
    # an int among tensors comes first: NumPy would have another order of dimensions in some of these
    (0, [1, 2]), ([1, 0], 0), ([1, 0], slice(None), 2), (0, slice(None), [1, 2]), (slice(None), 1, [3, 0]),
    (slice(None), [2, 1], 0), (1, Ellipsis, [1, 0]), (None, 0, slice(1, None), [[1], [0]]), ([1, 0], 0, [2, 3]),
    (0, None, [2, 0]), (-1, [1, 0], None, [0, 2]), ([0, 1], Ellipsis, 0, None), (0, 1, [2, 3]), (0, [2], 1),
    (MASK,), (MASK, 1), (MASK, [1, 2, 3]), (MASK, slice(1, 3)), (0, TAIL), (slice(None), TAIL), ([1, 0], TAIL[0, :3]),
    ([True, False],), (slice(None), [True, False, True]), (None, MASK), (True, [0, 1]), (Ellipsis, TAIL[0]),
    (1, [True, False, True], None), (0, slice(None), TAIL[0]), (np.array(1),), (np.array(True),), (np.array([1, 0]), 0),
]  # fmt: skip


def index_of(m, parts):
    """Arrays become the library's tensors, and so they are tested as lists and as tensors both."""
    return tuple(m.tensor(part) if isinstance(part, np.ndarray) else part for part in parts)


def _text(index):
    return ", ".join(str(part.tolist()) + "t" if isinstance(part, np.ndarray) else str(part) for part in index)


def _written(m, x, value, index):
    target = x * 1.0
    target[index_of(m, index)] = value
    return target


def _written_with(m, x, y, index):
    """With a tensor of the size of the place, made of y in a way that shows its order."""
    place = x[index_of(m, index)].detach()
    values = (m.arange(place.numel()).reshape(place.shape) + 1) * y
    return _written(m, x, values, index)


for _index in INDICES:
    CALLS.call(f"x[{_text(_index)}]", lambda m, x, i=_index: x[index_of(m, i)] * 1.0, SIZE)
    CALLS.call(f"x[{_text(_index)}] = number", lambda m, x, i=_index: _written(m, x, 7.0, i), SIZE)
    CALLS.call(f"x[{_text(_index)}] = tensor", lambda m, x, y, i=_index: _written_with(m, x, y, i), SIZE, ())
CALLS.call(
    "a value with leading dimensions of 1",
    lambda m, x, y: _written(m, x, y, (slice(None), [0, 2])),
    (3, 4),
    (1, 1, 3, 2),
)
CALLS.call("an integer value", lambda m, x: _written(m, x, m.tensor([1, 2]), (0, slice(2))), (2, 3))
CALLS.call("x[i] in a loop", lambda m, x: sum(x[i] * float(i + 1) for i in range(4)) * x[-1], (4, 3))
