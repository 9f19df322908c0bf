"""What is not tested of an operation or a layer, and why. Whatever is not listed here is tested in full: its value and
first two derivatives against PyTorch and against certified numbers. `test_completeness` holds these tables exact."""

# Operations without a gradient: their values alone are compared with PyTorch's.
WITHOUT_GRADIENT = {
    "gives truth": {
        "all", "allclose", "any", "eq", "equal", "ge", "gt", "isclose", "isfinite", "isin", "isinf", "isnan", "le",
        "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne", "Tensor.bool",
        "Tensor.logical_and_", "Tensor.logical_not_", "Tensor.logical_or_", "Tensor.logical_xor_",
    },
    "gives whole numbers": {
        "F.one_hot", "Tensor.int", "Tensor.long", "argmax", "argmin", "argsort", "argwhere", "bincount", "bitwise_and",
        "bitwise_not", "bitwise_or", "bitwise_xor", "bucketize", "count_nonzero", "nonzero", "searchsorted",
        "Tensor.bitwise_and_", "Tensor.bitwise_or_", "Tensor.bitwise_xor_", "tril_indices", "triu_indices",
    },
    "gives the values that occur, without their history": {"unique"},
    "makes a tensor of none, or of one's dtype and shape": {
        "Tensor.new_empty", "Tensor.new_full", "Tensor.new_ones", "Tensor.new_tensor", "Tensor.new_zeros", "arange",
        "as_tensor", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones", "ones_like",
        "zeros", "zeros_like",
    },
    "draws at random": {
        "bernoulli", "manual_seed", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn",
        "randn_like", "randperm",
    },
    "is made of what is no tensor, or makes no tensor": {
        "Tensor.item", "Tensor.numpy", "Tensor.tolist", "from_dlpack", "from_numpy", "tensor",
    },
    "tells of a dtype, a shape or memory": {
        "Tensor.dim", "Tensor.element_size", "Tensor.is_contiguous", "Tensor.itemsize", "Tensor.nbytes",
        "Tensor.size", "Tensor.stride", "can_cast",
        "is_floating_point", "is_tensor", "numel", "promote_types", "result_type",
    },
}  # fmt: skip

# Of what is compared with PyTorch: how many derivatives, where not two.
LESS_IN_PYTORCH = {
    "PyTorch draws other numbers; `test_random` holds their distribution": dict.fromkeys(
        WITHOUT_GRADIENT["draws at random"] | {"F.gumbel_softmax"}, -1
    ),
    "gives no tensor to record; `test_tensor` and `test_dlpack` hold it to PyTorch's": dict.fromkeys(
        ("Tensor.dim", "Tensor.item", "Tensor.itemsize", "Tensor.nbytes", "Tensor.numpy", "Tensor.size",
         "Tensor.tolist", "from_dlpack", "from_numpy"), -1
    ),
    "needs a GPU": {"Tensor.cuda": -1},
    "PyTorch has no gradient of it": dict.fromkeys(
        ("floor_divide", "Tensor.floor_divide_", "Tensor.acosh_", "Tensor.asinh_", "Tensor.atanh_"), 0
    ),
    "PyTorch has no second derivative of it": {"cdist": 1, "F.multi_margin_loss": 1},
    "PyTorch keeps its slope in float32, and has no second derivative": {"F.hardsigmoid": 1},
    "PyTorch's second derivative has a 1e-12 in it that its first has not": {"F.binary_cross_entropy": 1},
}

# Differentiable operations that no case names, and so no certified derivative.
NOT_CERTIFIED = {
    "rounds, so that differences of its values are no derivative; `test_derivatives` has its exact gradient": {
        "Tensor.float", "Tensor.half",
    },
    "is `Tensor.to`": {"Tensor.cpu", "Tensor.cuda"},
}  # fmt: skip

# What `nn.__all__` has that is no layer to compute with.
NO_LAYERS = {"DataParallel", "Module", "ModuleDict", "ModuleList", "Parameter", "functional", "init", "utils"}
LAYERS_NOT_IN_PYTORCH = {
    "PyTorch has no such layer": {"LearnedPositions", "SinusoidalPositions"},
    "PyTorch keeps its slope in float32; `F.hardsigmoid` is compared": {"Hardsigmoid"},
}
