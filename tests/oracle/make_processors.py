"""Ask transformers what its logits processors do to random scores: tests/lm/generation/processors.npz.

    pip install torch==2.13.0 transformers==5.24.0
    python -m tests.oracle.make_processors

Float64 scores (5, 23) of five texts of eight tokens each; `alone/NAME` is the result of one processor, `together/i`
that of all the processors that `CHAINS[i]` asks for, in the order in which `generate` puts them.
"""

from pathlib import Path

import numpy as np
import torch
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

ROWS, VOCABULARY, LENGTH, END = 5, 23, 8, 3
ALONE = {
    "repetition_penalty": {"repetition_penalty": 1.7},
    "repetition_reward": {"repetition_penalty": 0.6},
    "no_repeat_1": {"no_repeat_ngram_size": 1},
    "no_repeat_2": {"no_repeat_ngram_size": 2},
    "no_repeat_3": {"no_repeat_ngram_size": 3},
    "bad_words": {"bad_words_ids": [[4], [5, 6], [1, 2, 7], [END]]},
    "min_length": {"min_length": 9},
    "min_new_tokens": {"min_new_tokens": 4},
    "temperature": {"temperature": 0.6},
    "top_k": {"top_k": 4},
    "top_p": {"top_p": 0.7},
    "min_p": {"min_p": 0.2},
}
CHAINS = [
    {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "min_new_tokens": 4, "temperature": 0.8, "top_k": 9},
    {"temperature": 1.8, "top_k": 12, "top_p": 0.9, "min_p": 0.15},
    {"repetition_penalty": 2.0, "bad_words_ids": [[4], [5, 6]], "temperature": 0.5, "top_p": 0.6},
    {"no_repeat_ngram_size": 1, "top_k": 3, "min_p": 0.6},
]
PROMPT = 5  # of the tokens of each text


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = 2 * torch.randn(ROWS, VOCABULARY, generator=generator, dtype=torch.float64)
    scores[:, 7] = scores[:, 8]  # a tie
    texts = torch.randint(0, 9, (ROWS, LENGTH), generator=generator)
    texts[0] = torch.tensor([1, 2, 7, 1, 2, 7, 1, 2])
    texts[1] = torch.tensor([5, 6, 5, 6, 4, 4, 6, 5])
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, n_positions=32, n_embd=4, n_layer=1, n_head=1))

    def processed(settings):
        config = GenerationConfig(
            **{"top_k": 0, "do_sample": True, **settings}, eos_token_id=END, pad_token_id=END, max_length=20
        )
        model._prepare_special_tokens(config, True, device="cpu")
        processors = model._get_logits_processor(config, input_ids_seq_length=PROMPT, device="cpu", model_kwargs={})
        return processors(texts, scores.clone()).numpy()

    arrays = {"scores": scores.numpy(), "texts": texts.numpy()}
    arrays |= {f"alone/{name}": processed(settings) for name, settings in ALONE.items()}
    arrays |= {f"together/{number}": processed(settings) for number, settings in enumerate(CHAINS)}
    target = Path(__file__).parent.parent / "lm" / "generation" / "processors.npz"
    np.savez_compressed(target, **arrays)
    print({name: int(np.isinf(array).sum()) for name, array in arrays.items()})


if __name__ == "__main__":
    main()
