"""Writes merges_expected.json: what Hugging Face's `tokenizers` learns from a small text, and how it encodes it.

Run by hand, with `tokenizers` installed:  python -m tests.lm.tokenizer.make_merges_expected
"""

import json
from pathlib import Path

import tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

EXPECTED = Path(__file__).with_name("merges_expected.json")

TEXT = """\
A tokenizer cuts text into tokens. The tokens of this tokenizer are cut from bytes: first into words, then each word
is joined, pair by pair, until no pair of tokens is left that training has joined.

    for pair in pairs:
        if pair in merges:    # isn't it? it's, they're, we've, I'll, he'd, I'm
            tokens = join(tokens, pair)

The pairs joined first are those that occur most often, and of pairs that occur equally often (2, 2, 2, ... 12, 121)
the pair with the smaller ids. -- ---- ------ -------- ========
Überall, über all den Wörtern: naïve café, 10 €, 100 €, 1000 €. Слово за словом. 词语词语词语。 😀😀 😀
\ttab\ttab\t\r\nanother line   \r\n
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaa abababababab banana bandana
"""


def hugging_face(units, vocab_size, special_tokens, min_frequency, max_token_length=None):
    """The merges that Hugging Face's trainer learns from `units`, as pairs of ids, and its tokenizer."""
    tokenizer = tokenizers.Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=special_tokens,
        min_frequency=min_frequency,
        max_token_length=max_token_length,
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(units, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [[model["vocab"][left], model["vocab"][right]] for left, right in model["merges"]], tokenizer


def main():
    cases = []
    for units, vocab_size, special_tokens, min_frequency in [
        ([TEXT], 350, ["<|endoftext|>"], 2),
        ([TEXT], 1000, [], 0),
        (TEXT.splitlines(keepends=True), 400, ["<|endoftext|>", "<|user|>"], 0),
    ]:
        merges, tokenizer = hugging_face(units, vocab_size, special_tokens, min_frequency)
        cases.append(
            {
                "units": units,
                "vocab_size": vocab_size,
                "special_tokens": special_tokens,
                "min_frequency": min_frequency,
                "merges": merges,
                "ids": tokenizer.encode(TEXT).ids,
            }
        )
    expected = {"tokenizers": tokenizers.__version__, "text": TEXT, "cases": cases}
    EXPECTED.write_text(json.dumps(expected) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
