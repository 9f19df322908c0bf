"""Calls that PyTorch and minigrad both understand: `make_ops.py` records what PyTorch answers, the tests compare.

A case is a function of the library (`torch` or `minigrad`) and of float64 tensors. The numbers come from a formula, so
that only answers need to be stored.
"""

import numpy as np


def numbers(size, position, low=-2.0, high=2.0):
    """Irregular float64 numbers of a shape, other ones for each position in a call."""
    count = int(np.prod(size))
    fractions = (np.arange(1, count + 1) * 0.6180339887498949 + position * 0.3819660112501051) % 1.0
    return (low + (high - low) * fractions).reshape(size)


POSITIVE = (0.1, 3.0)
REAL = (-2.0, 2.0)
CASES = {}


def case(name, call, *sizes, values=REAL):
    assert name not in CASES
    CASES[name] = (call, [numbers(size, position, *values) for position, size in enumerate(sizes)])


def _ids(m, *values):
    return m.tensor(np.array(values))


for _name in ("neg", "exp", "sin", "cos", "tanh", "erf", "abs", "sign", "sigmoid", "floor", "square", "clone"):
    case(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3))
for _name in ("log", "sqrt", "rsqrt", "reciprocal"):
    case(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3), values=POSITIVE)
for _name in ("add", "sub", "mul", "div", "maximum", "minimum", "remainder"):
    case(_name, lambda m, x, y, name=_name: getattr(m, name)(x, y), (2, 3), (2, 1))
case("erf far out", lambda m, x: m.erf(x * 3.0), (12,))
case("pow", lambda m, x, y: m.pow(x, y), (2, 3), (3,), values=POSITIVE)
case("pow of numbers", lambda m, x: x**3 + x**2 - x**1 + x**0, (2, 3))
case("number to the power", lambda m, x: 2**x, (2, 3))
case("scalars", lambda m, x: 2 - x * 3 + 1 / x - (x - 1) / 4 + x % 0.7, (2, 3))
case("clamp", lambda m, x: m.clamp(x, -0.5, 1.0), (2, 3))
case("clamp at the edges", lambda m, x: m.clamp(x * 0.0 + 1.0, -1.0, 1.0) * x, (2, 3))
case("clamp by tensors", lambda m, x, a, b: m.clamp(x, a, b), (2, 3), (3,), (2, 1))
case("ties of maximum", lambda m, x: m.maximum(x, x * 1.0) + 2.0 * m.minimum(x * 1.0, x), (2, 3))
case("where", lambda m, x, y: m.where(x > 0, x, y), (2, 3), (3,))
case("masked_fill", lambda m, x: x.masked_fill(x > 0.5, -1.0), (2, 3))
case("floor_divide", lambda m, x: m.floor_divide(x.detach(), m.ones_like(x) * 0.7) * x, (2, 3))
case("comparisons", lambda m, x, y: ((x > y).to(x.dtype) + (x <= 0).to(x.dtype)) * x, (2, 3), (3,))

case("sum", lambda m, x: m.sum(x), (2, 3))
for _name, _dim in (("one", 1), ("last", -1), ("two", (0, 2))):
    case(f"sum over {_name}", lambda m, x, dim=_dim: m.sum(x, dim), (2, 3, 2))
    case(f"mean over {_name}", lambda m, x, dim=_dim: m.mean(x, dim, keepdim=True), (2, 3, 2))
    case(f"var over {_name}", lambda m, x, dim=_dim: m.var(x, dim), (2, 3, 2))
    case(f"std over {_name}", lambda m, x, dim=_dim: m.std(x, dim, correction=0, keepdim=True), (2, 3, 2))
    case(f"amax over {_name}", lambda m, x, dim=_dim: m.amax(x, dim), (2, 3, 2))
    case(f"amin over {_name}", lambda m, x, dim=_dim: m.amin(x, dim, keepdim=True), (2, 3, 2))
    case(f"logsumexp over {_name}", lambda m, x, dim=_dim: m.logsumexp(x, dim), (2, 3, 2))
case("mean", lambda m, x: x.mean(), (2, 3))
case("var", lambda m, x: x.var(), (2, 3))
case("ties of amax", lambda m, x: m.amax(m.floor(x), 0) * 1.0 + m.amax(x * 0.0, 0) * x[0], (4, 3))
case("max", lambda m, x: m.max(x) + m.min(x) * 2.0, (2, 3))
case("max over a dim", lambda m, x: m.max(x, 1).values * m.max(x, 1).indices, (2, 4))
case("min over a dim", lambda m, x: m.min(x, -2, keepdim=True)[0] * 3.0, (2, 4))
case("argmax", lambda m, x: x[m.argmax(x, 0), m.argmin(x, 0)], (3, 3))

case("reshape", lambda m, x: m.reshape(x, (3, -1)) * 1.0, (2, 3))
case("transpose", lambda m, x: m.transpose(x, 0, 2), (2, 3, 2))
case("permute", lambda m, x: m.permute(x, (2, 0, 1)), (2, 3, 2))
case("T and mT", lambda m, x: x.T.mT * 2.0, (2, 3))
case("expand", lambda m, x: x.expand(2, -1, 3) * 2.0, (2, 1))
case("flatten", lambda m, x: m.flatten(x, 1), (2, 3, 2))
case("squeeze", lambda m, x: m.squeeze(x, 1).unsqueeze(-1) + m.squeeze(x).sum(), (2, 1, 3))
case("narrow", lambda m, x: m.narrow(x, 1, 1, 2), (2, 4))
case("split", lambda m, x: m.split(x, 2, 1)[1] * m.split(x, [1, 2, 1], 1)[1], (2, 4))
case("chunk", lambda m, x: m.chunk(x, 3)[1] * 2.0, (5, 2))
case("unbind", lambda m, x: m.unbind(x, 1)[2] * m.unbind(x, 1)[0], (2, 3))
case("cat", lambda m, x, y: m.cat([x, y, x], 1), (2, 3), (2, 1))
case("stack", lambda m, x, y: m.stack([x, y], -1), (2, 3), (2, 3))
case("tril", lambda m, x: m.tril(x, -1) + 2.0 * m.triu(x, 1), (3, 4))

case("slices", lambda m, x: x[1:, ::2, None], (3, 4))
case("ints", lambda m, x: x[1, -1] * x[0], (3, 4))
case("integer index", lambda m, x: x[_ids(m, 0, 2, 2)], (3, 4))
case("two integer indices", lambda m, x: x[_ids(m, 0, 2, 2), _ids(m, 1, 1, -1)], (3, 4))
case("index between slices", lambda m, x: x[:, _ids(m, 0, 1, 0)], (2, 3, 2))
case("index of rows and a slice", lambda m, x: x[_ids(m, 1, 0), 1:], (2, 3, 2))
case("mask", lambda m, x: x[x > 0], (3, 4))
case("gather", lambda m, x: m.gather(x, 1, m.tensor(np.array([[0, 2, 2], [1, 1, 0]]))), (2, 3))
case("scatter_add", lambda m, x, y: m.scatter_add(x, 0, m.tensor(np.array([[0, 2], [0, 1]])), y), (3, 3), (2, 2))
case("index_select", lambda m, x: m.index_select(x, 1, _ids(m, 2, 0, 2)), (2, 3))
case("index_put", lambda m, x, y: m.index_put(x, (_ids(m, 2, 0),), y), (3, 2), (2, 2))

case("matmul of vectors", lambda m, x, y: m.matmul(x, y), (3,), (3,))
case("matmul of a matrix and a vector", lambda m, x, y: m.matmul(x, y), (2, 3), (3,))
case("matmul of a vector and a matrix", lambda m, x, y: m.matmul(x, y), (3,), (3, 2))
case("matmul of stacks", lambda m, x, y: m.matmul(x, y), (2, 1, 2, 3), (4, 3, 2))
case("matmul of a stack and a matrix", lambda m, x, y: x @ y, (2, 2, 3), (3, 2))
case("matmul of a stack and a vector", lambda m, x, y: x @ y, (2, 2, 3), (3,))
case("mm", lambda m, x, y: m.mm(x, y), (2, 3), (3, 2))
case("bmm", lambda m, x, y: m.bmm(x, y), (2, 2, 3), (2, 3, 1))
for _equation, *_sizes in (
    ("ij,jk->ik", (2, 3), (3, 2)), ("bhld,bhsd->bhls", (2, 2, 3, 2), (2, 2, 2, 2)), ("ii->i", (3, 3)),
    ("...i,...i->...", (2, 3), (3,)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("i,j->ij", (2,), (3,)),
    ("ij,kj->", (2, 3), (2, 3)), ("bij,bjk", (2, 2, 3), (2, 3, 2)),
):  # fmt: skip
    case(f"einsum {_equation}", lambda m, *xs, equation=_equation: m.einsum(equation, *xs), *_sizes)


def _in_place(m, x, y):
    z = x * 1.0
    z.add_(y, alpha=2)
    z.mul_(y)
    z.sub_(x).div_(3.0)
    z[0] = y[1] * x[0]
    z[:, 1].sum()
    z.clamp_(-1.5, 1.5)
    return z


case("in place", _in_place, (2, 3), (2, 3))
case("filled in place", lambda m, x: (x * 1.0).fill_(2.0) + (x * 2.0).zero_() + (x * 3.0).copy_(x[0]), (2, 3))

# ------------------------------------------------------------------------------------------------ nn.functional


def functional(name, call, *sizes, **settings):
    case(f"F.{name}", lambda m, *xs: call(m.nn.functional, m, *xs), *sizes, **settings)


functional("relu", lambda F, m, x: F.relu(x), (2, 3))
functional("gelu", lambda F, m, x: F.gelu(x), (2, 3))
functional("gelu of tanh", lambda F, m, x: F.gelu(x, approximate="tanh"), (2, 3))
functional("silu", lambda F, m, x: F.silu(x), (2, 3))
functional("softmax", lambda F, m, x: F.softmax(x, 1), (2, 3))
functional("softmax over the first dim", lambda F, m, x: F.softmax(x * 400.0, dim=0), (2, 3))
functional("log_softmax", lambda F, m, x: F.log_softmax(x * 400.0, -1), (2, 3))
functional("mse_loss", lambda F, m, x, y: F.mse_loss(x, y), (2, 3), (2, 3))
functional("mse_loss summed", lambda F, m, x, y: F.mse_loss(x, y, reduction="sum"), (2, 3), (2, 3))
functional("layer_norm", lambda F, m, x, w, b: F.layer_norm(x, (4,), w, b), (2, 3, 4), (4,), (4,))
functional("layer_norm of two dims", lambda F, m, x, w: F.layer_norm(x, [3, 4], w, eps=1e-3), (2, 3, 4), (3, 4))
functional("layer_norm alone", lambda F, m, x: F.layer_norm(x, (4,)), (3, 4))
functional("rms_norm", lambda F, m, x, w: F.rms_norm(x, (4,), w, eps=1e-5), (2, 3, 4), (4,))
functional("rms_norm with its own eps", lambda F, m, x: F.rms_norm(x, (4,)), (3, 4))
functional("linear", lambda F, m, x, w, b: F.linear(x, w, b), (2, 2, 3), (4, 3), (4,))
functional("linear of a vector", lambda F, m, x, w: F.linear(x, w), (3,), (4, 3))
functional("embedding", lambda F, m, w: F.embedding(m.tensor(np.array([[0, 3], [3, 1]])), w), (4, 3))
functional(
    "embedding with padding",
    lambda F, m, w: F.embedding(m.tensor(np.array([[0, 3], [3, 1]])), w, padding_idx=-1),
    (4, 3),
)

for _reduction in ("mean", "sum", "none"):
    for _smoothing in (0.0, 0.1):
        _options = {"reduction": _reduction, "label_smoothing": _smoothing}
        _title = f"{_reduction}, smoothing {_smoothing}"
        functional(
            f"cross_entropy, {_title}",
            lambda F, m, x, o=_options: F.cross_entropy(x, _ids(m, 1, 0, 2), **o), (3, 4),
        )  # fmt: skip
        functional(
            f"cross_entropy, weights, ignoring, {_title}",
            lambda F, m, x, w, o=_options: F.cross_entropy(
                x, _ids(m, 1, 2, 0, 1), (w * w).detach(), ignore_index=2, **o
            ),
            (4, 3), (3,),
        )  # fmt: skip
        functional(
            f"cross_entropy of a distribution, {_title}",
            lambda F, m, x, y, o=_options: F.cross_entropy(x, F.softmax(y, 1), **o), (2, 3, 2), (2, 3, 2),
        )  # fmt: skip
functional(
    "cross_entropy of images",
    lambda F, m, x: F.cross_entropy(x, m.tensor(np.array([[1, -100], [0, 2]])), label_smoothing=0.2), (2, 3, 2),
)  # fmt: skip
functional("cross_entropy of one", lambda F, m, x: F.cross_entropy(x, m.tensor(np.array(2))), (4,))

_qkv = ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3))


def _attend(**settings):
    return lambda F, m, q, k, v: F.scaled_dot_product_attention(q, k, v, **settings)


functional("attention", _attend(), *_qkv)
functional("attention, scaled", _attend(scale=0.3), *_qkv)
functional("attention, causal", _attend(is_causal=True), *_qkv)
functional("attention of three dims", _attend(), (2, 3, 4), (2, 5, 4), (2, 5, 3))
functional(
    "attention, grouped heads", _attend(enable_gqa=True, is_causal=True), (2, 4, 3, 2), (2, 2, 3, 2), (2, 2, 3, 2)
)
functional(
    "attention, masked",
    lambda F, m, q, k, v: F.scaled_dot_product_attention(q, k, v, m.tensor(numbers((3, 5), 9) > -1.0)), *_qkv,
)  # fmt: skip
functional(
    "attention, biased",
    lambda F, m, q, k, v, b: F.scaled_dot_product_attention(q, k, v, attn_mask=b),
    *_qkv,
    (2, 1, 3, 5),
)
