"""Activation functions."""


from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.functional("relu", lambda F, m, x: F.relu(x), (2, 3))
CALLS.functional("gelu", lambda F, m, x: F.gelu(x), (2, 3))
CALLS.functional("gelu of tanh", lambda F, m, x: F.gelu(x, approximate="tanh"), (2, 3))
CALLS.functional("silu", lambda F, m, x: F.silu(x), (2, 3))
CALLS.functional("softmax", lambda F, m, x: F.softmax(x, 1), (2, 3))
CALLS.functional("softmax over the first dim", lambda F, m, x: F.softmax(x * 400.0, dim=0), (2, 3))
CALLS.functional("log_softmax", lambda F, m, x: F.log_softmax(x * 400.0, -1), (2, 3))
