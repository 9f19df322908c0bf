"""Attention."""


from tests.oracle.calls.family import Family, numbers

CALLS = Family()

_qkv = ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3))


def _attend(**settings):
    return lambda F, m, q, k, v: F.scaled_dot_product_attention(q, k, v, **settings)


CALLS.functional("attention", _attend(), *_qkv)
CALLS.functional("attention, scaled", _attend(scale=0.3), *_qkv)
CALLS.functional("attention, causal", _attend(is_causal=True), *_qkv)
CALLS.functional("attention of three dims", _attend(), (2, 3, 4), (2, 5, 4), (2, 5, 3))
CALLS.functional(
    "attention, grouped heads", _attend(enable_gqa=True, is_causal=True), (2, 4, 3, 2), (2, 2, 3, 2), (2, 2, 3, 2)
)
CALLS.functional(
    "attention, masked",
    lambda F, m, q, k, v: F.scaled_dot_product_attention(q, k, v, m.tensor(numbers((3, 5), 9) > -1.0)), *_qkv,
)  # fmt: skip
CALLS.functional(
    "attention, biased",
    lambda F, m, q, k, v, b: F.scaled_dot_product_attention(q, k, v, attn_mask=b),
    *_qkv,
    (2, 1, 3, 5),
)
