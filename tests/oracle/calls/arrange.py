"""Other shapes: repeats, turns, windows, joins, cuts and diagonals."""

import numpy as np

from tests.oracle.calls.family import Family, ids

CALLS = Family()


def flat(m, parts):
    """All of several tensors, weighted so that their order matters."""
    return m.cat([part.reshape(-1) * (i + 1.0) for i, part in enumerate(parts)])


for _to in ((1, 3, 2), (2, -1)):
    CALLS.call(f"unflatten to {_to}", lambda m, x, to=_to: m.unflatten(x, 1, to) * 1.0, (2, 6))
CALLS.call("as others", lambda m, x, y: flat(m, [x.view_as(y), x.reshape_as(y), x[0].expand_as(y.T)]), (2, 3), (3, 2))
for _name, _dims in (("movedim", (0, 2)), ("moveaxis", ((0, 1), (-1, 0))), ("swapdims", (0, -1)), ("swapaxes", (1, 2))):
    CALLS.call(_name, lambda m, x, name=_name, dims=_dims: getattr(m, name)(x, *dims) * 1.0, (2, 3, 4))
CALLS.call("t and mH", lambda m, x: m.t(x) * x.mH + x.H, (2, 3))
CALLS.call("broadcast_to", lambda m, x: m.broadcast_to(x, (2, 2, 3)) * 1.0, (2, 1))
CALLS.call("broadcast_tensors", lambda m, x, y: flat(m, m.broadcast_tensors(x, y)), (2, 1), (3,))
for _n in (1, 2, 3):
    CALLS.call(
        f"atleast_{_n}d", lambda m, *xs, n=_n: flat(m, getattr(m, f"atleast_{n}d")(*xs)), (), (3,), (2, 3), (1, 2, 2)
    )
CALLS.call("select", lambda m, x: m.select(x, 1, -1) * x.select(1, 0), (2, 3))
CALLS.call("repeat", lambda m, x: x.repeat(2, 1, 3), (2, 3))
CALLS.call("tile", lambda m, x: m.tile(x, (2,)), (2, 3))
CALLS.call("repeat_interleave", lambda m, x: m.repeat_interleave(x, 2) + m.repeat_interleave(x, 2, 1).sum(), (2, 3))
CALLS.call("repeat_interleave by counts", lambda m, x: m.repeat_interleave(x, ids(m, 2, 0, 1), -1), (2, 3))
CALLS.call("meshgrid", lambda m, x, y: flat(m, m.meshgrid(x, y, indexing="ij")), (2,), (3,))
CALLS.call("meshgrid of x and y", lambda m, x, y: flat(m, m.meshgrid(x, y, indexing="xy")), (2,), (3,))
CALLS.call("flip", lambda m, x: flat(m, [m.flip(x, (0, 2)), m.fliplr(x), m.flipud(x), x.flip(1)]), (2, 3, 2))
CALLS.call("roll", lambda m, x: flat(m, [m.roll(x, 1), m.roll(x, -4, 1), m.roll(x, (1, 2), (0, 1))]), (2, 3))
CALLS.call("rot90", lambda m, x: flat(m, [m.rot90(x, k) for k in range(-1, 4)] + [m.rot90(x, 1, (1, 2))]), (2, 3, 4))
CALLS.call("unfold", lambda m, x: flat(m, [x.unfold(1, 3, 2), x.unfold(-1, 1, 1), x.unfold(0, 2, 5)]), (2, 6))
CALLS.call("stacks", lambda m, x, y: flat(m, [m.hstack([x, y]), m.vstack((x, y)), m.dstack([x, y])]), (2, 3), (2, 3))
CALLS.call(
    "stacks of vectors", lambda m, x, y: flat(m, [m.hstack([x, y]), m.vstack([x, x]), m.dstack([y, y])]), (3,), (2,)
)
for _cuts in (3, 5, [1, 3], [-2], [2, 1, 9]):
    CALLS.call(f"tensor_split at {_cuts}", lambda m, x, cuts=_cuts: flat(m, m.tensor_split(x, cuts, 1)), (2, 4))
CALLS.call("splits by direction", lambda m, x: flat(
    m, [*m.hsplit(x, 2), *m.vsplit(x, [1]), *m.dsplit(x, [1, 2])]), (2, 4, 3))  # fmt: skip
for _offset in (-3, -1, 0, 2, 7):
    CALLS.call(f"diagonal {_offset}", lambda m, x, offset=_offset: m.diagonal(x, offset, 2, 0) * 1.0, (3, 2, 4))
    CALLS.call(f"diag_embed {_offset}", lambda m, x, offset=_offset: m.diag_embed(x, offset, 0, -2), (2, 3))
    CALLS.call(f"diag {_offset}", lambda m, x, y, offset=_offset: flat(
        m, [m.diag(x, offset), m.diag(y, offset), m.diagflat(y, offset)]), (3, 4), (3,))  # fmt: skip
CALLS.call("trace", lambda m, x: m.trace(x) * x, (3, 3))
CALLS.call(
    "triangles", lambda m, x: flat(m, [x[tuple(m.tril_indices(3, 4, 1))], x[tuple(m.triu_indices(3, 4))]]), (3, 4)
)
for _mode in ("constant", "reflect", "replicate", "circular"):
    for _size, _pads in (
        ((2, 4), (1, 3)),
        ((2, 4), (-1, 2)),
        ((2, 3, 4), (2, 1, 1, 0)),
        ((1, 2, 2, 3, 2), (1, 0, 2, 1, 1, 1)),
    ):
        CALLS.functional(
            f"pad {_mode} {_size} {_pads}",
            lambda F, m, x, mode=_mode, pads=_pads: F.pad(x, pads, mode), _size,
        )  # fmt: skip
CALLS.functional("pad with a value", lambda F, m, x: F.pad(x, (0, 1, -1, 2), value=1.5), (3, 2))
CALLS.functional("pad nothing", lambda F, m, x: F.pad(x, ()) * 1.0, (2,))
CALLS.call("memory", lambda m, x: x.T.contiguous().view(-1) * float(x.T.is_contiguous() + sum(x.T.stride())), (2, 3))
CALLS.call("new from old", lambda m, x: flat(m, [
    x * x.new_ones(3), x * x.new_full((2, 1), 3), x + x.new_zeros(()), x - x.new_tensor([1.0, 2.0, 3.0]),
    x * m.full_like(x, 2), x * m.logspace(-1, 1, 3, 2.0, dtype=m.float64), x * m.as_tensor(np.ones(3)),
]), (2, 3))  # fmt: skip
