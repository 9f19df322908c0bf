"""Writes expected.json: small tokenizers of other libraries, and the ids that these libraries give.

Run by hand, with transformers, tokenizers, tiktoken and sentencepiece installed:
python -m tests.lm.tokenizer.formats.make_expected
"""

import base64
import json
from pathlib import Path

import tiktoken
from transformers import PreTrainedTokenizerFast

from lm.tokenizer.byte_level import unspell
from lm.tokenizer.formats.huggingface_parts import published_pattern

from . import peers
from .corpus import sample_texts

EXPECTED = Path(__file__).with_name("expected.json")
SHORT = ["A tokenizer", "Two", "the third of three"]
LONG = ["short", "the other text of the second pair, which is long, and longer than that, with 12 tokens or more", "B"]
BATCHES = [  # the arguments of a call of a tokenizer in transformers
    (SHORT, None, {}),
    (LONG, SHORT, {}),
    (LONG, None, {"max_length": 12, "truncation": "longest_first"}),
    (LONG, SHORT, {"max_length": 16, "truncation": "longest_first", "padding": "max_length", "padding_side": "left"}),
    (SHORT, LONG, {"max_length": 17, "truncation": "longest_first"}),
    (LONG, LONG, {"max_length": 19, "truncation": "longest_first", "truncation_side": "left"}),
    (LONG, SHORT, {"max_length": 30, "truncation": "only_first", "truncation_side": "left"}),
    (SHORT, LONG, {"max_length": 30, "truncation": "only_second"}),
    (SHORT, LONG, {"pad_to_multiple_of": 8}),
]


def tiktoken_case(texts):
    """Ranks learnt by `tokenizers`, and two tokens that no merge makes."""
    vocabulary = json.loads(peers.bpe(peers.training_lines(400), 350, "cl100k", specials=()).to_str())["model"]["vocab"]
    ranks = {unspell(token): rank for token, rank in vocabulary.items()}
    for word in (b" tokenizers", b"zzzz"):
        ranks[word] = len(ranks)
    special = {"<|endoftext|>": len(ranks), "<|endofprompt|>": len(ranks) + 3}
    pattern = published_pattern("cl100k")
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
    texts = [*texts, "all tokenizers, zzzz zzzzz tokenizers"]
    return {
        "file": "".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items()),
        "beside": {"pattern": "cl100k", "special_tokens": special},
        "texts": texts,
        "ids": [encoding.encode(text, allowed_special="all") for text in texts],
    }


def batches(peer, padding_token):
    cases = []
    fast = PreTrainedTokenizerFast(tokenizer_object=peer, pad_token=padding_token)
    for texts, pairs, options in BATCHES:
        rest = {"padding": "longest"} | options
        fast.padding_side = rest.pop("padding_side", "right")
        fast.truncation_side = rest.pop("truncation_side", "right")
        found = fast(texts, pairs, return_token_type_ids=True, return_special_tokens_mask=True, **rest)
        arguments = {"texts": texts, "pairs": pairs, "pad_id": fast.pad_token_id, **options}
        cases.append({"arguments": arguments, "arrays": dict(found)})
    return cases


def main():
    texts = [*sample_texts(80, special=True), "a\n  ", "a!\n \n\t", "a!\r\n", " \n \n"]  # white space at the end
    cases = {}
    for name, peer in peers.small().items():
        ids = [peer.encode(text, add_special_tokens=False).ids for text in texts]
        cases[name] = {
            "document": json.loads(peer.to_str()),
            "ids": ids,
            "decoded": [peer.decode(each, skip_special_tokens=False) for each in ids],
        }
        if name in ("gpt2", "roberta", "bert", "t5"):
            padding = {"gpt2": "<|endoftext|>", "bert": "[PAD]"}.get(name, "<pad>")
            cases[name]["batches"] = batches(peer, padding)
    expected = {"tokenizers": peers.VERSION, "texts": texts, "cases": cases, "tiktoken": tiktoken_case(texts)}
    EXPECTED.write_text(json.dumps(expected, separators=(",", ":")) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
