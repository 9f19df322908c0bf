"""What a model costs, from its configuration alone: parameters, and a GPT-2's training step's operations and memory.

Nothing is allocated. Each function returns a table {what: how much}; the sum of its values is the total. Letters as in
`gpt2.py`: B sequences of T = n_positions tokens, C channels in H heads of D, a vocabulary of V; L layers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from minigrad import nn
from minigrad.nn.utils import skip_init

from .gpt2 import GPT2, GPT2Config


def parameter_shapes(model: Callable[[Any], nn.Module], config: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of `model(config)` by its name.

    >>> sum(math.prod(shape) for shape in parameter_shapes(GPT2, GPT2Config()).values())
    124439808
    """
    return {name: parameter.shape for name, parameter in skip_init(model, config).named_parameters()}


def count_parameters(model: Callable[[Any], nn.Module], config: Any) -> dict[str, int]:
    """Parameters of `model(config)` by module, the layers together: `h.*.mlp.c_fc` stands for that of every layer."""
    table: dict[str, int] = {}
    for name, shape in parameter_shapes(model, config).items():
        module = re.sub(r"\.\d+\.", ".*.", name.rpartition(".")[0])
        table[module] = table.get(module, 0) + math.prod(shape)
    return table


def count_flops(config: GPT2Config, batch_size: int) -> dict[str, int]:
    """Floating-point operations of one forward and backward pass, by matrix product; a multiply-add counts as two.

    The product of an (m, k) by a (k, n) takes 2mkn, and its backward two products of the same cost. Together this is
    the usual 6 N + 12 L C T per token, where N are the parameters in matrices, positions aside, and the second term is
    attention over all T positions, the masked half included (Chowdhery et al., "PaLM", 2022, appendix B). Norms,
    activations and the optimizer, left out here, are of order C per token where the matrices are of order C**2.
    """
    _check_batch(batch_size)
    B, T, C, V = batch_size, config.n_positions, config.n_embd, config.vocab_size
    L, H, D, I = config.n_layer, config.n_head, config.n_embd // config.n_head, config.inner
    products = {  # m, k, n, and how many of them
        "h.*.attn.c_attn": (B * T, C, 3 * C, L),
        "h.*.attn: q k^T": (T, D, T, L * B * H),
        "h.*.attn: weights v": (T, T, D, L * B * H),
        "h.*.attn.c_proj": (B * T, C, C, L),
        "h.*.mlp.c_fc": (B * T, C, I, L),
        "h.*.mlp.c_proj": (B * T, I, C, L),
        "logits": (B * T, C, V, 1),
    }
    return {name: 3 * 2 * m * k * n * times for name, (m, k, n, times) in products.items()}


def count_memory(config: GPT2Config, batch_size: int, itemsize: int = 4) -> dict[str, int]:
    """Bytes of a training step with AdamW, in numbers of `itemsize` bytes.

    Activations are what the kernels of `minigrad.kernels` keep of the forward pass for the backward. Their place is
    given back as the backward goes and gradients come, so the total is an estimate from above of all but temporaries,
    which are of the order of one activation.
    """
    _check_batch(batch_size)
    B, T, C, V = batch_size, config.n_positions, config.n_embd, config.vocab_size
    L, H = config.n_layer, config.n_head
    parameters = itemsize * sum(count_parameters(GPT2, config).values())
    middle = itemsize * B * T * config.inner
    tokens = itemsize * B * T * C
    dropout = (itemsize + 1) * B * T * C  # its input, and a byte of mask for each element
    layer = (
        2 * tokens  # ln_1: its input, and that normalized
        + tokens  # c_attn: its input
        + 3 * tokens  # attention: q, k, v,
        + 2 * itemsize * B * H * T  # each query's largest score and the sum of its weights,
        + (B * H * T * T if config.attn_pdrop else 0)  # and a byte of mask for each weight
        + tokens  # attn.c_proj: its input, which is attention's output
        + 2 * tokens  # ln_2
        + tokens  # c_fc: its input
        + 2 * middle  # gelu: its input, and the share of it that passes
        + middle  # mlp.c_proj: its input
        + (2 * dropout if config.resid_pdrop else 0)
    )
    return {
        "parameters": parameters,
        "gradients": parameters,
        "AdamW moments": 2 * parameters,
        "activations: embeddings": dropout if config.embd_pdrop else 0,
        "activations: h.*": L * layer,
        "activations: ln_f": 3 * tokens,  # its input, that normalized, and its output
        "activations: logits": 2 * itemsize * B * T * V,  # and their gradient
    }


def _check_batch(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
