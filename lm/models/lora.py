"""LoRA: fine-tuning a model by adding to chosen matrices a product of two narrow ones, and training these alone.

Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021). Works on every family: what is adapted
is an `nn.Linear`, named by the end of its path. `add_lora` puts the adapters in, `merge_lora` adds them up and takes
them out, so that nothing of them is left but the changed matrices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import minigrad.nn.functional as F
from minigrad import Tensor, nn, no_grad
from minigrad.nn.parameter import empty_parameter


@dataclass(frozen=True)
class LoRAConfig:
    """What is adapted, and how. Names and defaults are those of Hugging Face's peft.

    Args:
        r: the rank, the width of the narrow matrices.
        lora_alpha: the product is scaled by lora_alpha / r.
        target_modules: linear layers, by the last words of their paths, such as "q_proj" or "attn.c_attn".
        lora_dropout: of the input of the narrow matrices.

    Raises ValueError naming a bad field.
    """

    r: int = 8
    lora_alpha: float = 8
    target_modules: Sequence[str] = ("q_proj", "v_proj")
    lora_dropout: float = 0.0

    def __post_init__(self) -> None:
        if not (type(self.r) is int and self.r >= 1):
            raise ValueError(f"LoRAConfig: r must be an integer of at least 1, got {self.r!r}")
        if not 0 < self.lora_alpha < math.inf:
            raise ValueError(f"LoRAConfig: lora_alpha must be positive, got {self.lora_alpha!r}")
        if not 0 <= self.lora_dropout < 1:
            raise ValueError(f"LoRAConfig: lora_dropout must be a probability in [0, 1), got {self.lora_dropout!r}")
        if isinstance(self.target_modules, str) or not self.target_modules:
            raise ValueError(f"LoRAConfig: target_modules must name layers, got {self.target_modules!r}")


class LoRALinear(nn.Linear):
    """A linear layer (I features in, O out) whose weight W stays, plus a product of narrow matrices B A of rank r.

    `lora_A` (r, I) starts at random, `lora_B` (O, r) at 0: a fresh adapter changes nothing. It has the weight and the
    bias of `linear`, under the same names.

    >>> import minigrad as mg
    >>> LoRALinear(mg.nn.Linear(6, 4), LoRAConfig(r=2)).lora_B.shape
    (4, 2)
    """

    def __init__(self, linear: nn.Linear, config: LoRAConfig) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        weight = linear.weight
        self.lora_A = empty_parameter(config.r, self.in_features, dtype=weight.dtype, device=weight.device)
        self.lora_B = empty_parameter(self.out_features, config.r, dtype=weight.dtype, device=weight.device)
        self.scale = config.lora_alpha / config.r
        self.dropout = nn.Dropout(config.lora_dropout)
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5.0))
        nn.init.zeros_(self.lora_B)

    def forward(self, input: Tensor) -> Tensor:
        narrow = F.linear(self.dropout(input), self.lora_A)  # (..., r)
        out: Tensor = F.linear(input, self.weight, self.bias) + F.linear(narrow, self.lora_B) * self.scale  # (..., O)
        return out

    def merged(self) -> nn.Linear:
        """A plain layer of weight W + scale B A."""
        linear = nn.utils.skip_init(nn.Linear, self.in_features, self.out_features, bias=self.bias is not None)
        with no_grad():
            self.weight.data[...] += ((self.lora_B @ self.lora_A) * self.scale).data
        linear.weight, linear.bias = self.weight, self.bias
        return linear


def add_lora(model: nn.Module, config: LoRAConfig | None = None) -> list[nn.Parameter]:
    """Adapt the layers of `model` that `config` names, in place, and freeze everything else.

    Returns the parameters to train. Raises ValueError, naming what there is, for a name that fits no linear layer, and
    for a model that has adapters already.

    >>> import minigrad as mg
    >>> from lm.models import GPT2, GPT2Config
    >>> model = GPT2(GPT2Config(vocab_size=10, n_positions=8, n_embd=4, n_layer=2, n_head=2))
    >>> [tuple(p.shape) for p in add_lora(model, LoRAConfig(r=2, target_modules=["c_attn"]))]
    [(2, 4), (12, 2), (2, 4), (12, 2)]
    """
    config = config or LoRAConfig()
    linears = {path: module for path, module in model.named_modules() if isinstance(module, nn.Linear)}
    if any(isinstance(module, LoRALinear) for module in linears.values()):
        raise ValueError("add_lora: the model has adapters already; merge_lora takes them out")
    chosen = {name: [path for path in linears if f".{path}".endswith(f".{name}")] for name in config.target_modules}
    for name, paths in chosen.items():
        if not paths:
            there = ", ".join(sorted({path.rpartition(".")[2] for path in linears})) or "none"
            raise ValueError(f"add_lora: no linear layer is called {name!r}; there are: {there}")
    model.requires_grad_(False)
    adapters = []
    for path in linears:  # in the order of the model
        if any(path in paths for paths in chosen.values()):
            adapter = LoRALinear(linears[path], config)
            _replace(model, path, adapter)
            adapters.append(adapter)
    return [matrix for adapter in adapters for matrix in (adapter.lora_A, adapter.lora_B)]


def merge_lora(model: nn.Module) -> None:
    """Add every adapter of `model` to its matrix, and put a plain linear layer in its place.

    The model computes what it did; all its parameters can be trained again.
    """
    for path, adapter in list(adapters_of(model)):
        _replace(model, path, adapter.merged())
    model.requires_grad_(True)


def adapters_of(model: nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    """The adapted layers, by their paths."""
    return ((path, module) for path, module in model.named_modules() if isinstance(module, LoRALinear))


def lora_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """What was trained: the narrow matrices by their paths, for `minigrad.save_file`.

    `model.load_state_dict(..., strict=False)` takes them back, into a model with the same adapters.
    """
    return {
        f"{path}.{name}": getattr(adapter, name).detach()
        for path, adapter in adapters_of(model)
        for name in ("lora_A", "lora_B")
    }


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent_path, _, name = path.rpartition(".")
    parent: Any = model.get_submodule(parent_path)
    module.train(getattr(parent, name).training)
    setattr(parent, name, module)


__all__ = ["LoRAConfig", "LoRALinear", "adapters_of", "add_lora", "lora_state_dict", "merge_lora"]
