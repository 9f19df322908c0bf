"""Matrix products."""


from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.call("matmul of vectors", lambda m, x, y: m.matmul(x, y), (3,), (3,))
CALLS.call("matmul of a matrix and a vector", lambda m, x, y: m.matmul(x, y), (2, 3), (3,))
CALLS.call("matmul of a vector and a matrix", lambda m, x, y: m.matmul(x, y), (3,), (3, 2))
CALLS.call("matmul of stacks", lambda m, x, y: m.matmul(x, y), (2, 1, 2, 3), (4, 3, 2))
CALLS.call("matmul of a stack and a matrix", lambda m, x, y: x @ y, (2, 2, 3), (3, 2))
CALLS.call("matmul of a stack and a vector", lambda m, x, y: x @ y, (2, 2, 3), (3,))
CALLS.call("mm", lambda m, x, y: m.mm(x, y), (2, 3), (3, 2))
CALLS.call("bmm", lambda m, x, y: m.bmm(x, y), (2, 2, 3), (2, 3, 1))
for _equation, *_sizes in (
    ("ij,jk->ik", (2, 3), (3, 2)), ("bhld,bhsd->bhls", (2, 2, 3, 2), (2, 2, 2, 2)), ("ii->i", (3, 3)),
    ("...i,...i->...", (2, 3), (3,)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("i,j->ij", (2,), (3,)),
    ("ij,kj->", (2, 3), (2, 3)), ("bij,bjk", (2, 2, 3), (2, 3, 2)),
):  # fmt: skip
    CALLS.call(f"einsum {_equation}", lambda m, *xs, equation=_equation: m.einsum(equation, *xs), *_sizes)
