"""Rearranging."""


from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.call("reshape", lambda m, x: m.reshape(x, (3, -1)) * 1.0, (2, 3))
CALLS.call("transpose", lambda m, x: m.transpose(x, 0, 2), (2, 3, 2))
CALLS.call("permute", lambda m, x: m.permute(x, (2, 0, 1)), (2, 3, 2))
CALLS.call("T and mT", lambda m, x: x.T.mT * 2.0, (2, 3))
CALLS.call("expand", lambda m, x: x.expand(2, -1, 3) * 2.0, (2, 1))
CALLS.call("flatten", lambda m, x: m.flatten(x, 1), (2, 3, 2))
CALLS.call("squeeze", lambda m, x: m.squeeze(x, 1).unsqueeze(-1) + m.squeeze(x).sum(), (2, 1, 3))
CALLS.call("narrow", lambda m, x: m.narrow(x, 1, 1, 2), (2, 4))
CALLS.call("split", lambda m, x: m.split(x, 2, 1)[1] * m.split(x, [1, 2, 1], 1)[1], (2, 4))
CALLS.call("chunk", lambda m, x: m.chunk(x, 3)[1] * 2.0, (5, 2))
CALLS.call("unbind", lambda m, x: m.unbind(x, 1)[2] * m.unbind(x, 1)[0], (2, 3))
CALLS.call("cat", lambda m, x, y: m.cat([x, y, x], 1), (2, 3), (2, 1))
CALLS.call("stack", lambda m, x, y: m.stack([x, y], -1), (2, 3), (2, 3))
CALLS.call("tril", lambda m, x: m.tril(x, -1) + 2.0 * m.triu(x, 1), (3, 4))
