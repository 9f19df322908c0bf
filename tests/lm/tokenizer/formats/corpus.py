"""A text of several scripts to train small vocabularies on, and short texts to compare tokenizers on: the same ones."""

import pydoc_data.topics
import random
import unicodedata

from ..texts import PIECES

SPECIAL = ["<|endoftext|>", "<s>", "</s>", "<pad>", "<mask>", "[CLS]", "[SEP]", "[MASK]", "<extra_id_0>", "[UNK]"]

_HAN = [chr(0x4E00 + 37 * i % 3000) for i in range(400)]
_WORDS = [
    *["naïve", "café", "Überraschung", "größer", "façade", "señor", "żółć", "слово", "письмо", "Москва", "ΑΓΟΡΑ"],
    *["λόγος", "שלום", "مرحبا", "हिन्दी", "日本語", "かな", "한국어"],
]


def training_lines(count=3000):
    """Lines of English prose, of words in other scripts, and of drawn Han phrases."""
    rng = random.Random(1)
    english = "\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics)).splitlines()
    common = [1 / (i + 1) for i in range(len(_HAN))]
    phrases = ["".join(rng.choices(_HAN, common, k=rng.randrange(2, 5))) for _ in range(60)]
    lines = []
    for number in range(count):
        line = english[number % len(english)]
        if number % 3 == 1:
            line += " " + " ".join(rng.choices(_WORDS, k=4))
        if number % 3 == 2:
            line += "，".join(rng.choices(phrases, k=3)) + "。"
        lines.append(line + "\n")
    return lines


def sample_texts(count, special=False, seed=2):
    """Short texts: parts of the lines, pieces that are hard to split, any character; special tokens if told."""
    rng = random.Random(seed)
    lines, texts = training_lines(600), []
    pieces = PIECES + _WORDS + (SPECIAL if special else [])
    for _ in range(count):
        parts = [rng.choice(lines)[: rng.randrange(60)] for _ in range(rng.randrange(3))]
        parts += rng.choices(pieces, k=rng.randrange(8))
        parts += [_assigned(rng) for _ in range(rng.randrange(3))]
        rng.shuffle(parts)
        texts.append("".join(parts))
    return texts


def _assigned(rng):
    while unicodedata.category(character := chr(rng.randrange(0x110000))) in ("Cn", "Cs", "Co"):
        pass
    return character
