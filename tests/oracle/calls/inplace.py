"""In-place operations."""


from tests.oracle.calls.family import Family

CALLS = Family()

def _in_place(m, x, y):
    z = x * 1.0
    z.add_(y, alpha=2)
    z.mul_(y)
    z.sub_(x).div_(3.0)
    z[0] = y[1] * x[0]
    z[:, 1].sum()
    z.clamp_(-1.5, 1.5)
    return z


CALLS.call("in place", _in_place, (2, 3), (2, 3))
CALLS.call("filled in place", lambda m, x: (x * 1.0).fill_(2.0) + (x * 2.0).zero_() + (x * 3.0).copy_(x[0]), (2, 3))
