"""Products of vectors and matrices, norms, and `linalg`."""

from tests.oracle.calls.family import Family, first_only

CALLS = Family()
INF = float("inf")


def regular(m, x):
    return x + m.eye(x.shape[-1], dtype=m.float64) * 5.0


def definite(m, x):
    return x @ x.mT + m.eye(x.shape[-1], dtype=m.float64)


for _name, *_sizes in (
    ("mv", (2, 3), (3,)), ("dot", (3,), (3,)), ("vdot", (3,), (3,)), ("outer", (2,), (3,)),
    ("inner", (2, 3), (2, 2, 3)),
    ("inner", (3,), (3,)), ("inner", (), (3,)), ("kron", (2,), (2, 3)), ("kron", (2, 2), (1, 3)),
    ("tensordot", (2, 3, 2), (3, 2, 2)),
):  # fmt: skip
    CALLS.call(f"{_name} of {_sizes}", lambda m, x, y, name=_name: getattr(m, name)(x, y), *_sizes)
for _name, *_sizes in (
    ("addmm", (2,), (2, 3), (3, 2)), ("addmv", (2,), (2, 3), (3,)), ("addr", (2, 3), (2,), (3,)),
    ("baddbmm", (2, 2, 2), (2, 2, 3), (2, 3, 2)), ("addbmm", (2, 2), (2, 2, 3), (2, 3, 2)),
):  # fmt: skip
    CALLS.call(_name, lambda m, *xs, name=_name: getattr(m, name)(*xs, beta=0.5, alpha=-2), *_sizes)
CALLS.call("addmm without the input", lambda m, x, y, z: m.addmm(x + INF, y, z, beta=0), (2, 2), (2, 3), (3, 2))
for _dims in (0, 1, ([0, 1], [1, 0]), ([-1], [0])):
    CALLS.call(f"tensordot {_dims}", lambda m, x, y, dims=_dims: m.tensordot(x, y, dims), (2, 3), (3, 2))
CALLS.call("cross", lambda m, x, y: m.cross(x, y, 1) * m.cross(x, y, dim=0), (3, 3), (3, 3))
CALLS.call("linalg.cross", lambda m, x, y: m.linalg.cross(x, y, dim=0), (3, 2), (3, 1))
CALLS.call("linalg.vecdot", lambda m, x, y: m.linalg.vecdot(x, y), (2, 3), (2, 3))
CALLS.call("linalg.multi_dot", lambda m, *xs: m.linalg.multi_dot(xs), (4,), (4, 2), (2, 3), (3,))

for _ord in (0, 1, 2, 3.5, -1, INF, -INF):
    for _dim in (None, 1, (0, -1)):
        CALLS.call(
            f"vector_norm {_ord} over {_dim}",
            lambda m, x, o=_ord, dim=_dim: m.linalg.vector_norm(x, o, dim) + x.sum() * 0.0,
            (2, 3, 2),
        )
for _ord in ("fro", 1, -1, INF, -INF):
    CALLS.call(f"matrix_norm {_ord}", lambda m, x, o=_ord: m.linalg.matrix_norm(x, o), (2, 3, 2))
    CALLS.call(
        f"matrix_norm {_ord} of other dims", lambda m, x, o=_ord: m.linalg.matrix_norm(x, o, (0, -2), True), (2, 3, 2)
    )
for _ord in (None, 1, INF):
    CALLS.call(f"norm {_ord}", lambda m, x, y, o=_ord: m.linalg.norm(x, o) * m.linalg.norm(y, o, 0), (2, 3), (3,))

for _p in (1.0, 2.0, 3.0):
    CALLS.call(f"cdist {_p}", first_only(lambda m, x, y, p=_p: m.cdist(x, y, p)), (2, 3), (4, 3))
CALLS.call("cdist of stacks", first_only(lambda m, x, y: m.cdist(x, y)), (2, 2, 3), (1, 4, 3))
CALLS.call("cdist of equal rows", first_only(lambda m, x, y: m.cdist(x, m.cat([y, x[:1]]))), (2, 3), (1, 3))


def _gradient_at_zero(m, x, p):
    """A number of which only the first derivative is asked."""
    (gradient,) = m.autograd.grad(m.linalg.vector_norm(x * 0.0, p), x)
    return gradient + x * 0.0


for _p in (1, 2, INF):
    CALLS.call(f"gradient of norm {_p} at zero", lambda m, x, p=_p: _gradient_at_zero(m, x, p), (3,))

for _size in ((3, 3), (2, 2, 2), (1, 1), (0, 0)):
    CALLS.call(f"inv {_size}", lambda m, x: m.linalg.inv(regular(m, x)), _size)
    CALLS.call(f"det {_size}", lambda m, x: m.linalg.det(x) * m.det(regular(m, x)), _size)
    CALLS.call(f"slogdet {_size}", lambda m, x: m.linalg.slogdet(x)[0].detach() + m.slogdet(regular(m, x))[1], _size)
    CALLS.call(f"logdet {_size}", lambda m, x: m.logdet(definite(m, x)), _size)
    CALLS.call(f"cholesky {_size}", lambda m, x: m.linalg.cholesky(definite(m, x)), _size)
    CALLS.call(f"upper cholesky {_size}", lambda m, x: m.linalg.cholesky(definite(m, x), upper=True), _size)
for _n in (-3, -1, 0, 1, 2, 5):
    CALLS.call(f"matrix_power {_n}", lambda m, x, n=_n: m.linalg.matrix_power(regular(m, x) * 0.2, n) * 1.0, (2, 2, 2))
for _first, _second in (
    ((3, 3), (3,)),
    ((3, 3), (3, 2)),
    ((2, 3, 3), (3, 2)),
    ((2, 3, 3), (2, 3)),
    ((3, 3), (2, 3, 1)),
):
    CALLS.call(f"solve {_first} {_second}", lambda m, x, y: m.linalg.solve(regular(m, x), y), _first, _second)
CALLS.call("solve from the right", lambda m, x, y: m.linalg.solve(regular(m, x), y, left=False), (3, 3), (2, 3))
CALLS.call(
    "the triangle that cholesky reads", lambda m, x: m.linalg.cholesky(regular(m, x)), (3, 3), values=(-1.0, 1.0)
)
CALLS.call("det of rank 2", lambda m, x: m.linalg.det(m.cat([x, x[:1]])), (2, 3))
CALLS.call("inverse", lambda m, x: m.inverse(regular(m, x)) + x.det(), (2, 2))
