"""Writing along a dimension by index, reading by position and mask, and finding."""

import numpy as np

from tests.oracle.calls.family import Family, first_only, ids

CALLS = Family()
GROUPS = np.array([[0, 2, 2, 0], [1, 1, 0, 2]])  # along dim 1 of (2, 3)
UNIQUE = np.array([[2, 0], [1, 2]])
ROWS = np.array([[-2.0, -1.0, -1.0, 0.5, 2.0], [-0.5, 0.0, 0.0, 0.0, 0.5]])
MASK = np.array([[True, False, True], [False, False, True]])


def _places(m, index=GROUPS):
    return m.tensor(index)


for _reduce in ("sum", "prod", "mean", "amax", "amin"):
    for _self in (True, False):
        CALLS.call(
            f"scatter_reduce {_reduce} {_self}",
            lambda m, x, y, reduce=_reduce, include=_self:
                m.scatter_reduce(x, 1, _places(m), y * 1.01, reduce, include_self=include),
            (2, 3), (2, 4),
        )  # fmt: skip


def _in_place(m, x, y):
    z = x * 1.0
    z.scatter_(1, _places(m, UNIQUE), y)
    z.scatter_add_(-1, _places(m, UNIQUE), y * y)
    z.index_add_(0, ids(m, 1, 1), x, alpha=0.5)
    z.index_copy_(0, ids(m, 1), x[:1] * 2.0)
    z.index_fill_(1, ids(m, 0), 0.25)
    z.index_put_((ids(m, 0, 1), ids(m, 1, 2)), y[0])
    z.index_put_((ids(m, 0, 0),), x, accumulate=True)
    z.masked_fill_(_places(m, MASK[:, ::-1].copy()), -1.0)
    z.masked_scatter_(_places(m, MASK), x * 3.0)
    return z


def _zeros_in_a_product(m, x, y, zeros):
    src = y * m.tensor(np.array([0.0 if i in zeros else 1.0 for i in range(4)]))
    return m.scatter_reduce(x, 0, ids(m, 0, 0, 1, 1), src, "prod")


CALLS.call("scatter", lambda m, x, y: m.scatter(x, 1, _places(m, UNIQUE), y), (2, 3), (2, 2))
CALLS.call("scatter of a number", lambda m, x: m.scatter(x, -1, _places(m), 2.5), (2, 3))
CALLS.call(
    "scatter into 0-d", lambda m, x, y: m.scatter(x, 0, m.tensor(0), y) + m.scatter_add(x, 0, ids(m, 0), y), (), ()
)
CALLS.call("scatter_add", lambda m, x, y: m.scatter_add(x, 1, _places(m), y), (2, 3), (2, 4))
CALLS.call("gather of 0-d", lambda m, x: m.gather(x, 0, ids(m, 0, 0)) + m.index_select(x, 0, ids(m, 0)), ())
CALLS.call("index_add", lambda m, x, y: m.index_add(x, 1, ids(m, 2, 0, 2), y, alpha=-2), (2, 3), (2, 3))
CALLS.call("index_copy", lambda m, x, y: m.index_copy(x, 1, ids(m, 2, 0), y), (2, 3), (2, 2))
CALLS.call("index_fill", lambda m, x: m.index_fill(x, 1, ids(m, -1, 0), 2.5), (2, 3))
CALLS.call("index_fill with a tensor", lambda m, x, y: m.index_fill(x, 0, ids(m, 1, 1), y), (2, 3), ())
CALLS.call("index_put with accumulate", lambda m, x, y: m.index_put(
    x, (ids(m, 0, 1, 0), ids(m, 2, 2, 2)), y, accumulate=True), (2, 3), (3,))  # fmt: skip
CALLS.call("masked_select", lambda m, x: m.masked_select(x, _places(m, MASK)) * x[0, 0], (2, 3))
CALLS.call("masked_select of a row", lambda m, x: m.masked_select(x, _places(m, MASK[0])), (2, 3))
CALLS.call("masked_scatter", lambda m, x, y: m.masked_scatter(x, _places(m, MASK), y), (2, 3), (2, 2))
CALLS.call("take", lambda m, x: m.take(x, _places(m, UNIQUE - 3)), (2, 3))
CALLS.call("take_along_dim", lambda m, x: m.take_along_dim(x, _places(m, UNIQUE[:1]), 1), (2, 3))
CALLS.call("take_along_dim of all", lambda m, x: m.take_along_dim(x, ids(m, 5, 0, 5)), (2, 3))
CALLS.call("in place", _in_place, (2, 3), (2, 2))


def _reduced_in_place(m, x, y):
    z = x * 1.0
    return z.scatter_reduce_(0, ids(m, 1, 1), y, "amax", include_self=False)


CALLS.call("reduced in place", _reduced_in_place, (3,), (2,))

# Zeros where the first derivative of a product is told from the others; ties of extremes share.
for _zeros in ((0,), (0, 1), (0, 2), (0, 2, 3)):
    CALLS.call(
        f"product with zeros {_zeros}",
        first_only(lambda m, x, y, z=_zeros: _zeros_in_a_product(m, x, y, z)),
        (2,),
        (4,),
    )

CALLS.call(
    "ties",
    first_only(lambda m, x, y: m.scatter_reduce(x * 0.0 + 1.0, 0, ids(m, 0, 0, 1), y * 0.0 + 1.0, "amax")),
    (2,),
    (3,),
)

# ------------------------------------------------------------ whole numbers, as float64, with a gradient of zero


whole = CALLS.whole

whole("nonzero", lambda m, x: m.nonzero(x > 0), (3, 4))
whole("nonzero as a tuple", lambda m, x: m.nonzero(x > 0, as_tuple=True), (3, 4))
whole("argwhere", lambda m, x: m.argwhere(x > 0), (2, 3))
whole("bincount", lambda m, x: (m.bincount((x * 3 + 7).long()), m.bincount(ids(m, 1, 1), minlength=4)), (9,))
whole("bincount of weights", lambda m, x: m.bincount(ids(m, 2, 0, 2), x.detach()), (3,))
for _right in (False, True):
    whole(f"searchsorted right={_right}", lambda m, x, right=_right: m.searchsorted(
        ids(m, -1.0, 0.0, 0.0, 1.5), m.cat([x.detach(), ids(m, -1.0, 0.0, 1.5)]), right=right), (8,))  # fmt: skip
    whole(f"searchsorted in rows right={_right}", lambda m, x, right=_right: m.searchsorted(
        m.tensor(ROWS), m.cat([x.detach(), m.tensor(ROWS[:, :3])], 1), right=right), (2, 8))  # fmt: skip
    whole(f"bucketize right={_right}", lambda m, x, right=_right: m.bucketize(
        m.cat([x.detach(), ids(m, -1.0, 0.5)]), ids(m, -1.0, 0.5, 1.0), right=right), (8,))  # fmt: skip
whole("searchsorted by side", lambda m, x: m.searchsorted(
    ids(m, 3.0, 1.0, 2.0), x.detach().abs(), side="right", sorter=ids(m, 1, 2, 0)), (6,))  # fmt: skip
whole("unique", lambda m, x: m.unique((x * 2).long(), return_inverse=True, return_counts=True), (3, 4))
whole("unique rows", lambda m, x: m.unique(
    m.tensor(np.array([[1, 0], [0, 2], [1, 0]])), dim=0, return_inverse=True, return_counts=True), (1,))  # fmt: skip
whole("isin", lambda m, x: m.isin((x * 2).long(), ids(m, 1, -2)), (3, 4))
whole("isin inverted", lambda m, x: m.isin((x * 2).long(), 1, invert=True), (3, 4))
