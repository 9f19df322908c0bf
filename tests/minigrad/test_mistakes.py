"""Mistakes that users make, each as they would write it, with the words they are answered with.

Read it from top to bottom: is the cause right, and is it all that one needs to know? A message names the operation, the
shapes, the module and one likely cause. Some mistakes cannot be seen and are not here: a forgotten `zero_grad`, a
forgotten `eval`, `nll_loss` of what is no logarithm.
"""

import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

MISTAKES = {}


NAMES = []
looking = pytest.mark.host("a device does not look at values")


def mistake(error, *told, marks=()):
    """The error that a function raises: exactly this class, exactly these words, then those of its notes."""

    def add(function):
        MISTAKES[function.__name__] = (function, error, told)
        NAMES.append(pytest.param(function.__name__, marks=marks))
        return function

    return add


@pytest.mark.parametrize("name", NAMES)
def test_what_a_mistake_is_told(name):
    function, error, told = MISTAKES[name]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            function()
        except Exception as raised:
            assert (type(raised), str(raised), *getattr(raised, "__notes__", ())) == (error, *told)
        else:
            assert [(type(each.message), str(each.message)) for each in warned] == [(error, *told)]


def test_errors_are_of_the_classes_that_users_of_pytorch_and_numpy_catch():
    assert issubclass(mg.ShapeError, RuntimeError) and issubclass(mg.ShapeError, ValueError)
    assert issubclass(mg.DTypeError, RuntimeError) and issubclass(mg.DTypeError, TypeError)
    assert issubclass(mg.DeviceError, RuntimeError)


def test_there_are_enough_of_them():
    assert len(MISTAKES) >= 44


# ---------------------------------------------------------------------------------------------- some models


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(8, 8)

    def forward(self, x):
        return self.proj(x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = Attention()

    def forward(self, x):
        return self.attn(x)


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, x):
        return self.blocks[1](x)


class Model(nn.Module):
    """A layer by the name of `layer`, or a function that runs in a module of that name."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer if isinstance(layer, nn.Module) else Lambda(layer)

    def forward(self, *args, **settings):
        return self.layer(*args, **settings)


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


# --------------------------------------------------------------------------------------- layers and their shapes


@mistake(
    mg.ShapeError,
    "linear: input of shape (4, 10) has 10 features, weight of shape (8, 8) takes 8, in module "
    "'blocks.1.attn.proj' (Linear)",
)
def the_wrong_number_of_features_deep_in_a_model():
    GPT()(mg.zeros(4, 10))


@mistake(
    mg.ShapeError,
    "linear: input of shape (1, 4) has 4 features, weight of shape (2, 5) takes 5, in module '2' (Linear)",
)
def layers_that_do_not_go_together():
    nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(5, 2))(mg.zeros(1, 3))


@mistake(
    mg.ShapeError,
    "conv2d: input of shape (4, 28, 28, 3) has 28 channels in dimension 1, weight of shape (8, 3, 3, 3) takes "
    "3 (do the channels come last? it takes them as NCHW), in module 'layer' (Conv2d)",
)
def images_with_their_channels_last():
    Model(nn.Conv2d(3, 8, 3))(mg.zeros(4, 28, 28, 3))


@mistake(
    mg.ShapeError,
    "conv1d: input of shape (4, 100, 3) has 100 channels in dimension 1, weight of shape (8, 3, 3) takes 3 (do "
    "the channels come last? it takes them as NCL), in module 'layer' (Conv1d)",
)
def a_signal_with_its_channels_last():
    Model(nn.Conv1d(3, 8, 3))(mg.zeros(4, 100, 3))


@mistake(
    mg.ShapeError,
    "conv2d: input must be (C, H, W) or (N, C, H, W), of 3 or 4 dimensions, got shape (28, 28), in module "
    "'layer' (Conv2d)",
)
def an_image_without_channels():
    Model(nn.Conv2d(1, 8, 3))(mg.zeros(28, 28))


@mistake(
    mg.ShapeError,
    "conv2d: a kernel of (3, 3) with dilation (1, 1) spans (3, 3), and does not fit input of shape (4, 3, 2, "
    "2), padded to (2, 2), in module 'layer' (Conv2d)",
)
def a_kernel_larger_than_the_image():
    Model(nn.Conv2d(3, 8, 3))(mg.zeros(4, 3, 2, 2))


@mistake(
    mg.ShapeError,
    "batch_norm: running_mean of shape (3,) is not one number for each of the 4 channels (dimension 1) of "
    "input of shape (2, 4, 5, 5), in module 'layer' (BatchNorm2d)",
)
def batch_normalization_of_other_channels():
    Model(nn.BatchNorm2d(3))(mg.zeros(2, 4, 5, 5))


@mistake(
    ValueError,
    "batch_norm: input of shape (1, 3) has one value per channel, and a single value has no variance; use a "
    "larger batch, or evaluation mode, in module 'layer' (BatchNorm1d)",
)
def batch_normalization_of_a_single_row():
    Model(nn.BatchNorm1d(3))(mg.zeros(1, 3))


@mistake(
    mg.ShapeError,
    "layer_norm: input of shape (2, 7) does not end in normalized_shape (8,), in module 'layer' (LayerNorm)",
)
def layer_norm_of_another_width():
    Model(nn.LayerNorm(8))(mg.zeros(2, 7))


@mistake(ValueError, "GroupNorm: 6 channels do not divide into 4 groups")
def groups_that_do_not_divide_the_channels():
    nn.GroupNorm(4, 6)


@mistake(mg.ShapeError, "LSTM: input of shape (4, 12, 10) must be (N, L, 8) or (L, 8), in module 'layer' (LSTM)")
def a_sequence_of_other_features():
    Model(nn.LSTM(8, 16, batch_first=True))(mg.zeros(4, 12, 10))


@mistake(
    mg.ShapeError,
    "LSTM: initial state of shape (1, 4, 16), it must be (1, 12, 16) (is batch_first=True meant?), in module "
    "'layer' (LSTM)",
)
def batch_and_time_swapped_beside_a_state():
    Model(nn.LSTM(8, 16))(mg.zeros(4, 12, 8), (mg.zeros(1, 4, 16), mg.zeros(1, 4, 16)))


@mistake(
    mg.ShapeError,
    "MultiheadAttention: query (4, 12, 8), key (4, 9, 8) and value (4, 9, 8) must be (L, N, features) with 8, "
    "8 and 8 features (or all without N), of one N, key and value of one length (is batch_first=True meant? "
    "they share size 4), in module 'layer' (MultiheadAttention)",
)
def batch_and_time_swapped_in_attention():
    memory = mg.zeros(4, 9, 8)
    Model(nn.MultiheadAttention(8, 2))(mg.zeros(4, 12, 8), memory, memory)


@mistake(ValueError, "MultiheadAttention: embed_dim 10 is not a multiple of num_heads 3")
def heads_that_do_not_divide_the_features():
    nn.MultiheadAttention(10, 3)


@mistake(
    mg.ShapeError,
    "scaled_dot_product_attention: query (2, 4, 8), key (2, 5, 8) and value (2, 6, 8): the key has length 5, "
    "the value 6; (..., L, E), (..., S, E) and (..., S, Ev) fit",
)
def keys_and_values_of_different_lengths():
    F.scaled_dot_product_attention(mg.zeros(2, 4, 8), mg.zeros(2, 5, 8), mg.zeros(2, 6, 8))


@mistake(
    mg.ShapeError,
    "scaled_dot_product_attention: attn_mask of shape (5, 5) does not broadcast to the scores, (2, 4, 4): "
    "(..., queries, keys), in module 'layer' (Lambda)",
)
def an_attention_mask_of_another_length():
    x = mg.zeros(2, 4, 8)
    Model(lambda q: F.scaled_dot_product_attention(q, x, x, attn_mask=mg.zeros(5, 5)))(x)


@mistake(
    TypeError,
    "scaled_dot_product_attention: attn_mask must be bool (True takes part) or floating (added), got int64",
)
def an_attention_mask_of_integers():
    x = mg.zeros(2, 4, 8)
    F.scaled_dot_product_attention(x, x, x, attn_mask=mg.ones(4, 4, dtype=mg.int64))


@mistake(
    mg.ShapeError,
    "MultiheadAttention: attn_mask of shape (4, 4) must be (12, 12), (L, S), or (8, 12, 12), (N * num_heads, "
    "L, S), in module 'layer' (MultiheadAttention)",
)
def a_mask_of_another_length_in_a_layer():
    x = mg.zeros(4, 12, 8)
    Model(nn.MultiheadAttention(8, 2, batch_first=True))(x, x, x, attn_mask=mg.zeros(4, 4))


@mistake(
    TypeError,
    "embedding: ids must be integers, got float32; convert them with .long(), in module 'layer' (Embedding)",
)
def token_ids_as_floats():
    Model(nn.Embedding(10, 4))(mg.zeros(2, 3))


@mistake(
    IndexError, "embedding: id 10 is out of range for 10 rows, 0 to 9, in module 'layer' (Embedding)", marks=looking
)
def a_token_id_beyond_the_vocabulary():
    Model(nn.Embedding(10, 4))(mg.tensor([[3, 10]]))


@mistake(ValueError, "Dropout: p must be in [0, 1], got 1.5")
def a_dropout_of_more_than_everything():
    nn.Dropout(1.5)


@mistake(
    mg.DTypeError,
    "linear of (1, 1, 3) float32 and (2, 3) float32 and (2,) float32, in module 'layer' (Linear): input must "
    "be a tensor, got tuple; use minigrad.tensor(...)",
)
def the_pair_that_an_lstm_returns_into_a_linear_layer():
    Model(nn.Linear(3, 2))(nn.LSTM(3, 3)(mg.zeros(1, 1, 3)))


@mistake(
    mg.DTypeError,
    "linear: input is float64 and weight float32; convert one of them, with .to(...), in module 'layer' "
    "(Linear)",
)
def double_precision_data_into_a_model_of_single():
    data = np.random.default_rng(0).random((4, 3))
    Model(nn.Linear(3, 2))(mg.tensor(data))


@mistake(
    mg.DTypeError,
    "conv2d: input is int64 and weight float32; convert one of them, with .to(...), in module 'layer' (Conv2d)",
)
def pixels_as_integers():
    Model(nn.Conv2d(1, 2, 3))(mg.zeros(1, 1, 5, 5, dtype=mg.int64))


# -------------------------------------------------------------------------------------------------------- modules


@mistake(
    TypeError,
    "MultiheadAttention.forward() missing 2 required positional arguments: 'key' and 'value', in module "
    "'layer' (MultiheadAttention)",
)
def a_missing_argument():
    Model(nn.MultiheadAttention(8, 2))(mg.zeros(2, 2, 8))


@mistake(NotImplementedError, "Net does not define forward()")
def a_module_without_forward():
    class Net(nn.Module):
        pass

    Net()(mg.zeros(1))


@mistake(
    TypeError,
    "Linear.weight is a Parameter and cannot become a Tensor; assign a Parameter or None, or `del` it first",
)
def a_tensor_for_a_parameter():
    layer = nn.Linear(2, 2)
    layer.weight = mg.zeros(2, 2)


@mistake(TypeError, "Model.layer is a Module and cannot become a Tensor; assign a Module or None, or `del` it first")
def a_tensor_for_a_module():
    model = Model(nn.Linear(2, 2))
    model.layer = mg.zeros(2, 2)


@mistake(TypeError, "Sequential takes modules, got list at '0'; unpack it: Sequential(*modules)")
def a_list_into_sequential():
    nn.Sequential([nn.Linear(3, 4), nn.ReLU()])


@mistake(
    ValueError,
    "the optimizer got no parameters (are the layers in a plain list? ModuleList registers them; or was the "
    "iterator of parameters() used up before?)",
)
def layers_in_a_plain_list():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(2, 2)]  # ModuleList([...])

    optim.SGD(Net().parameters(), lr=0.1)


@mistake(RuntimeError, "load_state_dict into Linear:\n  missing: bias")
def a_checkpoint_without_the_bias():
    nn.Linear(3, 2).load_state_dict({"weight": mg.zeros(2, 3)})


@mistake(
    RuntimeError,
    "load_state_dict into Linear:\n  missing: weight, bias\n  unexpected: module.weight, module.bias",
)
def a_checkpoint_of_a_wrapped_model():
    nn.Linear(3, 2).load_state_dict({"module.weight": mg.zeros(2, 3), "module.bias": mg.zeros(2)})


@mistake(RuntimeError, "load_state_dict into Linear:\n  weight: shape (3, 2) is given, the module's is (2, 3)")
def a_checkpoint_of_other_sizes():
    nn.Linear(3, 2).load_state_dict({"weight": mg.zeros(3, 2), "bias": mg.zeros(2)})


@mistake(
    RuntimeError,
    "load_state_dict into Linear:\n  weight: dtype complex128 is given and does not convert to the module's "
    "float32",
)
def a_checkpoint_of_complex_numbers():
    nn.Linear(3, 2).load_state_dict({"weight": np.zeros((2, 3), complex), "bias": mg.zeros(2)})


@mistake(
    TypeError,
    "a Linear is not pickled: reading a pickle can run any code. Keep module.state_dict() in a file with "
    "minigrad.save_file, and load it into a module made anew",
)
def a_model_saved_by_pickle():
    pickle.dumps(nn.Linear(2, 2))


# --------------------------------------------------------------------------------------------------------- losses


@mistake(TypeError, "cross_entropy: class ids must be integers, got float32; convert them with .long()")
def cross_entropy_of_ids_as_floats():
    F.cross_entropy(mg.zeros(4, 3), mg.zeros(4))


@mistake(
    mg.ShapeError,
    "cross_entropy: input of shape (2, 3) needs targets of shape (2,), got (2, 3) (one-hot or probabilities? "
    "then .float() them, or pass the ids, target.argmax(1))",
)
def cross_entropy_of_one_hot_integers():
    F.cross_entropy(mg.zeros(2, 3), mg.tensor([[1, 0, 0], [0, 1, 0]]))


@mistake(IndexError, "cross_entropy: target 3 is out of range for 3 classes, 0 to 2", marks=looking)
def cross_entropy_of_a_class_too_many():
    F.cross_entropy(mg.zeros(2, 3), mg.tensor([1, 3]))


@mistake(
    mg.ShapeError,
    "cross_entropy: input of shape (4,) needs targets of shape (), got (4, 3) (the input is of integers: are "
    "input and target swapped?)",
)
def cross_entropy_with_its_arguments_swapped():
    F.cross_entropy(mg.tensor([0, 1, 2, 0]), mg.zeros(4, 3))


@mistake(
    mg.ShapeError,
    "cross_entropy: input of shape (2, 5, 7) needs targets of shape (2, 7), got (2, 5) (are the classes last? "
    "flatten to (2*5, 7) and (2*5,), or move them to dimension 1)",
)
def cross_entropy_of_sequences_that_were_not_flattened():
    logits, ids = mg.zeros(2, 5, 7), mg.zeros(2, 5, dtype=mg.int64)
    F.cross_entropy(logits, ids)


@mistake(
    ValueError,
    "binary_cross_entropy: input must lie between 0 and 1; is it a logit? binary_cross_entropy_with_logits "
    "takes those",
    marks=looking,
)
def binary_cross_entropy_of_logits():
    F.binary_cross_entropy(mg.tensor([0.5, 1.2]), mg.tensor([0.0, 1.0]))


@mistake(
    mg.DTypeError,
    "binary_cross_entropy_with_logits: target must be floating-point, got int64; convert it with .float()",
)
def binary_cross_entropy_with_integer_targets():
    F.binary_cross_entropy_with_logits(mg.tensor([0.5, 1.2]), mg.tensor([0, 1]))


@mistake(
    mg.ShapeError,
    "binary_cross_entropy: input of shape (4, 1) and target of shape (4,) differ; elements are compared one by "
    "one (is a squeeze(-1) or unsqueeze(-1) missing?)",
)
def binary_cross_entropy_of_a_column_and_a_row():
    F.binary_cross_entropy(mg.zeros(4, 1), mg.zeros(4))


@mistake(
    UserWarning,
    "mse_loss: input of shape (4, 1) and target of shape (4,) broadcast to (4, 4), which is rarely meant; "
    "reshape one to the other's shape",
)
def a_squared_error_that_broadcasts():
    F.mse_loss(mg.zeros(4, 1), mg.zeros(4))


# --------------------------------------------------------------------------------------------------------- backward


@mistake(
    RuntimeError,
    "backward from a tensor of shape (3,) needs gradient=: only for a single element is 1 taken. A loss is "
    "usually reduced first, with .sum() or .mean()",
)
def backward_of_a_loss_that_was_not_reduced():
    w = mg.ones(3, requires_grad=True)
    (w * 2).backward()


@mistake(
    RuntimeError,
    "backward through mul (output of shape (3,)) a second time: what it saved was freed by the first backward. "
    "Pass retain_graph=True to the first one, or compute the value again",
    "in the backward of mul (output of shape (3,))",
)
def backward_twice():
    w = mg.ones(3, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    loss.backward()


@mistake(
    RuntimeError,
    "backward from a tensor of shape () that does not require grad: it was computed from no tensor with "
    "requires_grad=True, or under no_grad, or was detached",
)
def backward_after_no_grad():
    w = mg.ones(3, requires_grad=True)
    with mg.no_grad():
        loss = (w * w).sum()
    loss.backward()


@mistake(
    RuntimeError,
    "backward from a tensor of shape () that does not require grad: it was computed from no tensor with "
    "requires_grad=True, or under no_grad, or was detached",
)
def backward_of_what_was_detached():
    w = mg.ones(3, requires_grad=True)
    (w.detach() * 2).sum().backward()


@mistake(
    RuntimeError,
    "tensor with requires_grad=True: only floating-point tensors can require gradients, not int64; use .float()",
)
def a_gradient_of_an_integer():
    mg.tensor([1, 2, 3], requires_grad=True)


@mistake(
    RuntimeError,
    "input 0 of shape (3,) was not used to compute the outputs; pass allow_unused=True to get None for it",
)
def a_gradient_with_respect_to_what_was_not_used():
    w, unused = mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True)
    mg.autograd.grad(w.sum(), unused)


@mistake(RuntimeError, "gradient has shape (3,), the output it belongs to (2, 3)")
def a_gradient_of_another_shape():
    w = mg.ones(2, 3, requires_grad=True)
    (w * 2).backward(mg.ones(3))


@mistake(
    RuntimeError,
    "add_ would overwrite a leaf of shape (2, 3) that requires grad; wrap it in minigrad.no_grad() if its "
    "history does not matter (a parameter update), or use the out-of-place operation",
)
def a_parameter_changed_in_place():
    layer = nn.Linear(3, 2)
    layer.weight += 1.0


@mistake(
    RuntimeError,
    "backward through exp (output of shape (3,)) in module 'layer' (Lambda): an array of shape (3,) that it "
    "saved was changed in place by add_ afterwards. Use the out-of-place form (x = x + 1 rather than x += 1), "
    "or make the change after backward()",
    "in the backward of exp (output of shape (3,)) in module 'layer' (Lambda)",
)
def a_saved_value_changed_in_place():
    def forward(x):
        y = x.exp()
        y += 1.0
        return y

    Model(forward)(mg.ones(3, requires_grad=True)).sum().backward()


@mistake(
    RuntimeError,
    "sum of (2,) float32: this tensor of shape (2,) is a view of a tensor that add changed in place after the "
    "view was made; make the view again after the change",
)
def a_view_used_after_its_base_was_changed():
    x = mg.ones(4, requires_grad=True) * 2
    first = x[:2]
    x += 1.0
    first.sum()


@mistake(
    RuntimeError,
    "add_ on a view of a tensor that is part of a graph; write to the whole instead: base[index] = value",
)
def a_view_changed_in_place():
    x = mg.ones(4, requires_grad=True) * 2
    x[:2].add_(1.0)


@mistake(
    RuntimeError,
    "add_ on a tensor of shape (2, 3) whose memory is read-only (an expanded tensor shows one value in several "
    "places); call .clone() first",
)
def an_expanded_tensor_changed_in_place():
    row = mg.zeros(1, 3)
    row.expand(2, 3).add_(1.0)


@mistake(
    RuntimeError,
    "grad: the function must return a tensor with a single element and no dimension, got tuple; reduce it with "
    ".sum() or .mean(), or use vjp or jacrev",
)
def a_function_that_returns_more_than_its_loss():
    mg.func.grad(lambda x: (x.sum(), x))(mg.ones(3))


@mistake(
    RuntimeError,
    "mul_ would overwrite a leaf of shape (3,) that requires grad; wrap it in minigrad.no_grad() if its "
    "history does not matter (a parameter update), or use the out-of-place operation",
    "checkpoint ran the function again, for the backward of exp (output of shape (3,)); it must not change its "
    "arguments in place",
    "in the backward of exp (output of shape (3,))",
)
def a_checkpointed_function_that_changes_its_argument():
    def block(x):
        x.mul_(2.0)
        return x.exp()

    mg.func.checkpoint(block, mg.ones(3, requires_grad=True) * 1.0).sum().backward()


# ------------------------------------------------------------------------------------------------------ optimizers


@mistake(TypeError, "an optimizer takes an iterable of tensors, got Linear; pass model.parameters()")
def an_optimizer_of_a_module():
    optim.SGD(nn.Linear(2, 2), lr=0.1)


@mistake(
    TypeError,
    "an optimizer takes a list of tensors, of names with tensors or of groups, such as module.parameters(), got dict",
)
def an_optimizer_of_a_state_dict():
    optim.SGD(nn.Linear(2, 2).state_dict(), lr=0.1)


@mistake(
    ValueError,
    "parameter 0, of shape (2,), was computed (by mul); only leaves can be trained: make it from "
    "param.detach().requires_grad_()",
)
def an_optimizer_of_what_was_computed():
    optim.SGD([mg.ones(2, requires_grad=True) * 0.1], lr=0.1)


@mistake(ValueError, "Adam: lr must not be negative, got -0.1")
def a_negative_learning_rate():
    optim.Adam(nn.Linear(2, 2).parameters(), lr=-0.1)


@mistake(TypeError, "Adam: lr must be a number, got str (call float())")
def a_learning_rate_from_a_file():
    optim.Adam(nn.Linear(2, 2).parameters(), lr="0.1")


@mistake(
    UserWarning,
    "LinearLR.step() was called before the optimizer's step(), which skips the first learning rate of the schedule; "
    "call optimizer.step() first, then scheduler.step()",
)
def the_scheduler_before_the_optimizer():
    optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    optim.lr_scheduler.LinearLR(optimizer).step()


# ---------------------------------------------------------------------------------------------------- out of a tensor


@mistake(RuntimeError, "numpy() of a tensor that requires grad would lose its graph; call .detach().numpy()")
def numpy_of_what_is_trained():
    nn.Linear(2, 2).weight.numpy()


@mistake(RuntimeError, "item() of a tensor with 2 elements, shape (2,); it needs exactly one")
def the_number_in_several():
    mg.zeros(2).item()


@mistake(RuntimeError, "the truth of a tensor with 2 elements, shape (2,), is ambiguous; use .any() or .all()")
def the_truth_of_several():
    x = mg.zeros(2)
    if x > 0:
        pass


# ----------------------------------------------------------------------------------------------------- into a tensor


@mistake(TypeError, "tensor() needs a rectangular list: at depth 1 its rows have lengths 1 and 2")
def a_ragged_list():
    mg.tensor([[1.0], [2.0, 3.0]])


@mistake(
    TypeError,
    "tensor() cannot hold text; a tensor holds bool, integers of up to 64 bits, float16, float32 or float64",
)
def strings():
    mg.tensor(["3", "4"])


@mistake(
    TypeError,
    "tensor() cannot hold None; a tensor holds bool, integers of up to 64 bits, float16, float32 or float64",
)
def a_gap_in_the_data():
    mg.tensor([1.0, None])


@mistake(
    TypeError,
    "from_numpy: a tensor cannot hold complex numbers; a tensor holds bool, integers of up to 64 bits, "
    "float16, float32 or float64",
)
def complex_numbers():
    mg.from_numpy(np.fft.fft(np.ones(4)))


@mistake(TypeError, "tensor() needs numbers, of the range of their dtype: Python integer 300 out of bounds for uint8")
def a_number_too_large_for_its_dtype():
    mg.tensor([300], dtype=np.uint8)


@mistake(mg.ShapeError, "zeros with sizes=(1099511627776, 1099511627776): a size or number is too large for 64 bits")
def more_memory_than_there_is():
    mg.zeros(2**40, 2**40)


@mistake(mg.DTypeError, "zeros: sizes[0] cannot be of type float")
def a_size_that_is_no_whole_number():
    mg.zeros(10 / 2)


# ------------------------------------------------------------------------------------------------------------ shapes


@mistake(
    IndexError,
    "sum of (2, 3) float32 with dim=2, in module 'layer' (Lambda): dim 2 is out of range for a tensor of 2 "
    "dimensions; it goes from -2 to 1",
)
def a_dimension_that_is_not_there():
    Model(lambda x: x.sum(2))(mg.zeros(2, 3))


@mistake(
    IndexError,
    "softmax of (2, 3) float32 with dim=2: dim 2 is out of range for a tensor of 2 dimensions; it goes from -2 "
    "to 1",
)
def a_softmax_over_a_dimension_that_is_not_there():
    F.softmax(mg.zeros(2, 3), dim=2)


@mistake(mg.DTypeError, "mean of (2, 3) float32 with dim=1.0: dim must be an int, got 1.0")
def a_dimension_that_is_no_number():
    mg.zeros(2, 3).mean(1.0)


@mistake(ValueError, "sum of (2, 3) float32 with dim=(1, -1): dim (1, -1) names a dimension twice")
def a_dimension_twice():
    mg.zeros(2, 3).sum((1, -1))


@mistake(
    mg.ShapeError,
    "matmul of (2, 3) float32 and (4, 3) float32, in module 'layer' (Lambda): the last dimension of the first "
    "is 3, the second to last of the second 4; they must be equal (is one of them transposed?)",
)
def a_matrix_that_should_be_transposed():
    Model(lambda x: x @ mg.zeros(4, 3))(mg.zeros(2, 3))


@mistake(
    mg.DTypeError,
    "matmul of (2, 3) float32 and (3, 2) int64: dtypes float32 and int64 differ; convert one of them, with "
    ".to(...)",
)
def a_product_of_numbers_and_integers():
    mg.zeros(2, 3) @ mg.ones(3, 2, dtype=mg.int64)


@mistake(
    mg.ShapeError,
    "add of (2, 3) float32 and (4,) float32: sizes 3 and 4 at dimension -1 do not broadcast; they must be "
    "equal or 1",
)
def shapes_that_do_not_broadcast():
    mg.zeros(2, 3) + mg.zeros(4)


@mistake(
    mg.ShapeError,
    "cat of (2, 3) float32 and (4, 5) float32 with dim=1: sizes 2 and 4 at dimension 0 differ; only dimension "
    "1, where they are joined, may",
)
def joining_what_differs():
    mg.cat([mg.zeros(2, 3), mg.zeros(4, 5)], dim=1)


@mistake(mg.ShapeError, "stack needs tensors of one shape, got (2,) and (3,)")
def stacking_what_differs():
    mg.stack([mg.zeros(2), mg.zeros(3)])


@mistake(mg.ShapeError, "reshape of (2, 3) float32 with shape=(4,): the tensor has 6 elements, the new shape 4")
def a_reshape_to_fewer_elements():
    mg.zeros(2, 3).reshape(4)


@mistake(
    mg.ShapeError,
    "reshape of (2, 3) float32 with shape=(4, -1): the tensor has 6 elements, which is no multiple of 4, the "
    "product of the other sizes",
)
def a_reshape_that_leaves_a_rest():
    mg.zeros(2, 3).reshape(4, -1)


@mistake(
    RuntimeError,
    "view of shape (3, 2) as (6,): the elements do not lie in that order, and putting them in order takes a "
    "copy; use reshape",
)
def a_view_of_a_transposed_matrix():
    mg.zeros(2, 3).T.view(6)


@mistake(
    mg.ShapeError,
    "expand of (3,) float32 with shape=(4,): size 3 at dimension 0 cannot become 4; only size 1 is repeated",
)
def an_expansion_of_more_than_one():
    mg.zeros(3).expand(4)


@mistake(
    mg.ShapeError,
    "argmax of (2, 0) float32 with axis=1: dimension 1 has size 0: of no elements, none is the largest or "
    "smallest",
)
def the_largest_of_none():
    mg.zeros(2, 0).argmax(1)


@mistake(mg.DTypeError, "relu: input must be a tensor, got list")
def a_list_for_a_tensor():
    F.relu([1.0, 2.0])


@mistake(mg.DTypeError, "softmax: input must be a tensor, got None")
def nothing_for_a_tensor():
    F.softmax(None, dim=0)


@mistake(TypeError, "add: results are returned, not written to out=; use x = add(...), or x.copy_(add(...))")
def results_written_to_out():
    total = mg.zeros(2)
    mg.add(mg.ones(2), mg.ones(2), out=total)


@mistake(
    mg.DivisionByZeroError,
    "floor_divide of (2,) int64 and 0: integers have no quotient by 0; convert with .float()",
    marks=looking,
)
def integers_divided_by_zero():
    mg.tensor([1, 2]) // 0


@mistake(
    mg.DTypeError,
    "add_: a result of dtype float32 cannot be kept in a tensor of dtype int64; convert one of them, with "
    ".to(...)",
)
def a_fraction_added_to_integers():
    counts = mg.tensor([1, 2])
    counts += 0.5


# ----------------------------------------------------------------------------------------------------------- indices


@mistake(IndexError, "getitem of (3, 4) float32 with index=(0, 5): index 5 is out of range for dimension 1 of size 4")
def an_index_out_of_range():
    mg.zeros(3, 4)[0, 5]


@mistake(IndexError, "getitem of (3,) float32: index 7 is out of range for dimension 0 of size 3")
def indices_out_of_range():
    mg.zeros(3)[mg.tensor([0, 7])]


@mistake(
    IndexError,
    "getitem of (3, 4) float32 with index=(0, 0, 0): too many indices: 3 dimensions are indexed, the tensor "
    "has 2",
)
def too_many_indices():
    mg.zeros(3, 4)[0, 0, 0]


@mistake(IndexError, "getitem of (3,) float32: the mask has size 2 at dimension 0, the tensor 3")
def a_mask_of_another_size():
    mg.zeros(3)[mg.tensor([True, False])]


@mistake(
    TypeError,
    "a tensor cannot be indexed with float; ints, slices, None, ... and tensors of integers or bools can",
)
def a_float_as_an_index():
    mg.zeros(3)[6 / 2]


@mistake(
    TypeError,
    "an index must be of integers or bools, not float32; convert ids with .long(), make a mask by comparing",
)
def a_mask_of_numbers():
    mg.zeros(3)[mg.ones(3)]


@mistake(
    mg.DTypeError,
    "where of (2,) float32 and 1.0 and 2.0: the condition must be of bools, not float32; make one by comparing",
)
def a_condition_of_numbers():
    mg.where(mg.ones(2), 1.0, 2.0)


@mistake(
    ValueError,
    "assignment into a tensor of shape (3,): values of shape (3,) do not fit into a place of shape (2,)",
)
def too_much_for_its_place():
    x = mg.zeros(3)
    x[:2] = mg.ones(3)
