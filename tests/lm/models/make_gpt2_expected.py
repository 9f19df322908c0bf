"""Write gpt2_expected.npz: logits, loss and gradients of a small GPT-2 as Hugging Face's transformers computes them.

    pip install torch==2.13.0 transformers==5.23.0
    python tests/lm/models/make_gpt2_expected.py

In float64, twice: with biases, "bias/...", and with the same weights and all biases zero, "plain/...", against which a
model without biases is held. Names are those of transformers; matrices are transposed into the layout (out, in) of
torch.nn.Linear. Also the operations that torch counts in a forward and backward pass of a larger model, by its
FlopCounterMode.
"""

from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

SHAPE = {"vocab_size": 13, "n_positions": 6, "n_embd": 8, "n_layer": 2, "n_head": 2}
FLOPS_SHAPE = {"vocab_size": 65, "n_positions": 64, "n_embd": 128, "n_layer": 4, "n_head": 4}
FLOPS_BATCH = 12


def make(shape: dict[str, int]) -> GPT2LMHeadModel:
    config = GPT2Config(
        **shape, embd_pdrop=0.0, attn_pdrop=0.0, resid_pdrop=0.0, bos_token_id=0, eos_token_id=0,
        attn_implementation="eager",
    )  # fmt: skip
    return GPT2LMHeadModel(config).double()


def ours(name: str, value: torch.Tensor) -> np.ndarray:
    matrix = ".c_" in name and name.endswith("weight")
    return (value.T if matrix else value).detach().numpy().copy()


def main() -> None:
    torch.manual_seed(0)
    arrays: dict[str, np.ndarray] = {}
    ids = torch.randint(SHAPE["vocab_size"], (3, SHAPE["n_positions"]))
    targets = torch.randint(SHAPE["vocab_size"], ids.shape)
    targets[1, 2] = -100
    arrays["ids"], arrays["targets"] = ids.numpy(), targets.numpy()
    model = make(SHAPE)
    for name, parameter in model.transformer.named_parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # so large that no term is lost in another
        arrays[f"weights/{name}"] = ours(name, parameter)
    for variant in ("bias", "plain"):
        model.zero_grad()
        if variant == "plain":
            for name, parameter in model.named_parameters():
                if name.endswith("bias"):
                    torch.nn.init.zeros_(parameter)
        logits = model(ids).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, SHAPE["vocab_size"]), targets.reshape(-1))
        loss.backward()
        arrays[f"{variant}/logits"], arrays[f"{variant}/loss"] = logits.detach().numpy(), loss.detach().numpy()
        for name, parameter in model.transformer.named_parameters():
            arrays[f"{variant}/grads/{name}"] = ours(name, parameter.grad)

    model = make(FLOPS_SHAPE)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(FLOPS_BATCH, FLOPS_SHAPE["n_positions"], dtype=torch.int64)).logits.sum().backward()
    arrays["flops"] = np.array(counter.get_total_flops())
    np.savez_compressed(Path(__file__).with_name("gpt2_expected.npz"), **arrays)


if __name__ == "__main__":
    main()
