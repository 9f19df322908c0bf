"""What layers do beside PyTorch's numbers: bad arguments, masked rows, randomness, positions."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


@pytest.mark.parametrize(
    "make, word",
    [
        (lambda: nn.Dropout(1.5), "1.5"),
        (lambda: nn.GELU("erf"), "erf"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), "padding_idx 3"),
        (lambda: nn.MultiheadAttention(6, 4), "multiple of num_heads 4"),
        (lambda: nn.MultiheadAttention(6, 2, dropout=-0.1), "-0.1"),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="swish"), "swish"),
        (lambda: nn.SinusoidalPositions(4, 3), "3"),
    ],
)
def test_bad_arguments_are_refused_when_the_layer_is_made(make, word):
    with pytest.raises(ValueError, match=word):
        make()


@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda: nn.Linear(-1, 2), r"\(2, -1\)"), (lambda: nn.Linear(2.5, 2), r"\(2, 2\.5\)"),
        (lambda: nn.Embedding(-1, 2), r"\(-1, 2\)"), (lambda: nn.LayerNorm(-1), r"\(-1,\)"),
    ],
)  # fmt: skip
def test_sizes_that_no_parameter_can_have_are_refused(make, shape):
    with pytest.raises(mg.ShapeError, match=f"no parameter can have shape {shape}"):
        make()


def test_sizes_may_be_numpys():
    norm = nn.LayerNorm(np.int64(3))
    assert norm(mg.zeros(2, 3)).shape == (2, 3) and repr(norm).startswith("LayerNorm((3,), ")
    assert nn.RMSNorm(np.int32(3)).weight.shape == (3,)


def test_what_is_not_supported_says_so():
    for argument in ("add_bias_kv", "add_zero_attn"):
        with pytest.raises(NotImplementedError, match=argument):
            nn.MultiheadAttention(4, 2, **{argument: True})


def test_layers_take_a_dtype():
    layers = [
        nn.Linear(2, 2, dtype=mg.float64), nn.Embedding(2, 2, dtype=mg.float64), nn.LayerNorm(2, dtype=mg.float64),
        nn.RMSNorm(2, dtype=mg.float64), nn.MultiheadAttention(2, 1, dtype=mg.float64),
        nn.TransformerEncoderLayer(2, 1, 3, dtype=mg.float64), nn.TransformerDecoderLayer(2, 1, 3, dtype=mg.float64),
        nn.LearnedPositions(2, 2, dtype=mg.float64), nn.SinusoidalPositions(2, 2, dtype=mg.float64),
    ]  # fmt: skip
    for layer in layers:
        assert {tensor.dtype for tensor in [*layer.parameters(), *layer.buffers()]} == {np.dtype(np.float64)}
        layer.to(mg.float32)
        assert {tensor.dtype for tensor in [*layer.parameters(), *layer.buffers()]} == {np.dtype(np.float32)}


def test_dropout_is_a_function_of_the_seed_and_off_in_evaluation():
    drop, x = nn.Dropout(0.25), mg.ones(1000)
    mg.manual_seed(1)
    first, second = drop(x).data, drop(x).data
    mg.manual_seed(1)
    assert np.array_equal(drop(x).data, first)
    assert not np.array_equal(first, second)
    assert set(np.unique(np.asarray(first))) == {np.float32(0.0), np.float32(1 / 0.75)}
    assert drop.eval()(x) is x


def test_the_weight_of_a_loss_is_a_buffer():
    loss = nn.CrossEntropyLoss(weight=mg.ones(3))
    assert list(loss.state_dict()) == ["weight"] and not list(loss.parameters())
    assert loss.to(mg.float64).weight.dtype == np.float64


def test_the_row_of_the_padding_gets_no_gradient():
    embedding = nn.Embedding(4, 2, padding_idx=1)
    embedding(mg.tensor([0, 1, 1, 3])).sum().backward()
    assert np.array_equal(embedding.weight.grad.data, [[1, 1], [0, 0], [0, 0], [1, 1]])


# ---------------------------------------------------------------------------------------------------- attention


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("additive", [True, False])
def test_a_query_that_may_look_at_nothing_gives_zero_and_passes_no_gradient(need_weights, additive):
    attention = nn.MultiheadAttention(4, 2, batch_first=True, dtype=mg.float64)
    x = mg.randn(2, 3, 4, dtype=mg.float64, requires_grad=True)
    nn.init.normal_(attention.out_proj.bias)
    padding = np.array([[False, False, True], [True, True, True]])
    mask = mg.tensor(np.where(padding, -math.inf, 0.0) if additive else padding)
    out, weights = attention(x, x, x, key_padding_mask=mask, need_weights=need_weights)
    assert np.allclose(out.data[1], attention.out_proj.bias.data, atol=1e-15)
    if need_weights:
        assert (weights.data[1] == 0).all() and np.allclose(weights.data[0].sum(-1), 1.0)
    out.sum().backward()
    assert (x.grad.data[1] == 0).all() and np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_bool_mask_beside_an_additive_one_hides_altogether(need_weights):
    attention = nn.MultiheadAttention(4, 2, batch_first=True, dtype=mg.float64)
    nn.init.normal_(attention.out_proj.bias)
    x = mg.randn(2, 3, 4, dtype=mg.float64)
    padding = mg.tensor(np.array([[False, False, True], [True, True, True]]))
    out, weights = attention(x, x, x, padding, need_weights, attn_mask=mg.zeros(3, 3, dtype=mg.float64))
    assert np.allclose(out.data[1], attention.out_proj.bias.data, atol=1e-15)
    if need_weights:
        assert (weights.data[1] == 0).all() and (weights.data[0, :, 2] == 0).all()


def test_causality_hides_the_future():
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    x = mg.randn(1, 5, 4)
    changed = mg.cat([x[:, :3], mg.randn(1, 2, 4)], dim=1)
    for need_weights in (True, False):
        before, after = (attention(y, y, y, is_causal=True, need_weights=need_weights)[0].data for y in (x, changed))
        assert np.array_equal(before[:, :3], after[:, :3])
        assert not np.allclose(before[:, 3:], after[:, 3:])


def test_attention_weights_are_dropped_in_training_only():
    attention = nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)
    x = mg.randn(2, 6, 4)
    _, weights = attention(x, x, x, average_attn_weights=False)
    assert 0.2 < (weights.data == 0).mean() < 0.8
    _, weights = attention.eval()(x, x, x, average_attn_weights=False)
    assert (weights.data > 0).all()


@pytest.mark.parametrize("query, key, value", [
    ((2, 3, 5), (2, 3, 4), (2, 3, 4)), ((2, 3, 4), (2, 3, 5), (2, 3, 4)), ((2, 3, 4), (2, 3, 4), (2, 5, 4)),
    ((2, 3, 4), (1, 3, 4), (1, 3, 4)), ((3, 4), (2, 3, 4), (2, 3, 4)), ((1, 2, 3, 4),) * 3, ((4,),) * 3,
])  # fmt: skip
def test_shapes_that_do_not_fit_are_named(query, key, value):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self):
            return self.attn(mg.zeros(query), mg.zeros(key), mg.zeros(value))

    with pytest.raises(mg.ShapeError) as error:
        Outer()()
    assert all(str(shape) in str(error.value) for shape in (query, key, value)) and "'attn'" in str(error.value)


@pytest.mark.parametrize(
    "mask",
    [{"attn_mask": mg.zeros(3, 4)}, {"attn_mask": mg.zeros(2, 3, 3)}, {"key_padding_mask": mg.zeros(3)},
     {"key_padding_mask": mg.zeros(3, 2)}],
)  # fmt: skip
def test_masks_that_do_not_fit_are_named(mask):
    x = mg.zeros(2, 3, 4)
    with pytest.raises(mg.ShapeError, match=next(iter(mask))):
        nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x, **mask)


def test_a_mask_of_integers_is_refused():
    x = mg.zeros(2, 3, 4)
    with pytest.raises(TypeError, match="int64"):
        nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x, attn_mask=mg.zeros(3, 3, dtype=mg.int64))


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_mask_of_another_dtype_does_not_change_the_layers(need_weights):
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    x = mg.randn(2, 3, 4)
    out, _ = attention(x, x, x, attn_mask=mg.zeros(3, 3, dtype=mg.float64), need_weights=need_weights)
    assert out.dtype == np.float32


def test_an_additive_mask_can_be_trained():
    x = mg.randn(2, 3, 4)
    bias = mg.zeros(3, 3, requires_grad=True)
    nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x, attn_mask=bias)[0].square().sum().backward()
    assert bias.grad is not None and (bias.grad.data != 0).any()


# -------------------------------------------------------------------------------------------------- transformer


def test_stacks_are_their_layers_in_turn():
    mg.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(4), enable_nested_tensor=False).eval()
    assert encoder.layers[0] is not layer
    for stacked in encoder.layers:
        stacked.load_state_dict(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).state_dict())
    x, padding = mg.randn(2, 3, 4), mg.tensor(np.array([[False, False, True]] * 2))
    first, second = encoder.layers
    wanted = encoder.norm(second(first(x, None, padding, True), None, padding, True))
    assert np.array_equal(encoder(x, src_key_padding_mask=padding, is_causal=True).data, wanted.data)

    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), 2).eval()
    memory = encoder(x)
    first, second = decoder.layers
    wanted = second(first(x, memory, tgt_is_causal=True), memory, tgt_is_causal=True)
    assert np.array_equal(decoder(x, memory, tgt_is_causal=True).data, wanted.data)


ENCODER = ["self_attn", "dropout", "dropout1", "dropout2"]
DECODER = [*ENCODER, "multihead_attn", "dropout3"]


@pytest.mark.parametrize(
    "kind, where",
    [(nn.TransformerEncoderLayer, each) for each in ENCODER] + [(nn.TransformerDecoderLayer, each) for each in DECODER],
)
@pytest.mark.parametrize("norm_first", [True, False])
def test_every_dropout_of_a_transformer_layer_drops(kind, where, norm_first):
    mg.manual_seed(0)
    layer = kind(4, 2, 8, dropout=0.0, norm_first=norm_first)
    x = mg.randn(6, 2, 4)
    inputs = (x,) if kind is nn.TransformerEncoderLayer else (x, mg.randn(5, 2, 4))
    whole = layer(*inputs)
    module = getattr(layer, where)
    if isinstance(module, nn.Dropout):
        module.p = 0.5
    else:
        module.dropout = 0.5
    assert not np.allclose(layer(*inputs).data, whole.data)
    assert np.array_equal(layer.eval()(*inputs).data, whole.data)


@pytest.mark.parametrize("kind", [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer])
def test_the_dropout_of_a_transformer_layer_reaches_all_its_parts(kind):
    modules = [*kind(4, 2, 8, dropout=0.3).modules()]
    assert {module.p for module in modules if isinstance(module, nn.Dropout)} == {0.3}
    assert {module.dropout for module in modules if isinstance(module, nn.MultiheadAttention)} == {0.3}


@pytest.mark.parametrize("stack, kind", [
    (nn.TransformerEncoder, nn.TransformerEncoderLayer), (nn.TransformerDecoder, nn.TransformerDecoderLayer),
])  # fmt: skip
def test_the_layers_of_a_stack_share_nothing(stack, kind):
    layer = kind(4, 2, 8)
    one = len(list(layer.parameters()))
    assert len(list(nn.ModuleList([layer, stack(layer, 3)]).parameters())) == 4 * one


def test_activation_may_be_a_function():
    mg.manual_seed(0)
    named = nn.TransformerEncoderLayer(4, 2, 8, activation="gelu").eval()
    given = nn.TransformerEncoderLayer(4, 2, 8, activation=F.gelu).eval()
    given.load_state_dict(named.state_dict())
    x = mg.randn(3, 1, 4)
    assert np.array_equal(named(x).data, given(x).data)


# ---------------------------------------------------------------------------------------------------- positions


def test_sinusoids_are_the_papers():
    table = nn.SinusoidalPositions(50, 8, dtype=mg.float64).table.data
    for position in (0, 1, 7, 49):
        for i in range(4):
            angle = position / 10000 ** (2 * i / 8)
            assert table[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-14)
            assert table[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-14)
    assert nn.SinusoidalPositions(50, 8).state_dict() == {}


@pytest.mark.parametrize("kind", [nn.SinusoidalPositions, nn.LearnedPositions])
def test_positions_run_along_the_length(kind):
    layer = kind(10, 4)
    (table,) = [*layer.parameters(), *layer.buffers()]
    x = mg.randn(3, 2, 4)  # (L, N, E)
    assert np.array_equal(layer(x, offset=5).data, x.data + table.data[5:8, None])
    assert np.array_equal(layer(x[:, 0]).data, x.data[:, 0] + table.data[:3])
    layer.batch_first = True
    assert np.array_equal(layer(x).data, x.data + table.data[:2])
    for offset in (-1, 9):
        with pytest.raises(ValueError, match="the table has 10"):
            layer(x, offset=offset)
    with pytest.raises(mg.ShapeError, match="4 features"):
        layer(mg.zeros(2, 3, 5))


def test_learned_positions_learn():
    layer = nn.LearnedPositions(4, 2, batch_first=True)
    layer(mg.zeros(3, 2, 2), offset=1).sum().backward()
    assert np.array_equal(layer.weight.grad.data, [[0, 0], [3, 3], [3, 3], [0, 0]])
