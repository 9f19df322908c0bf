"""Texts that tokenizer tests draw from: hypothesis strategies, and what they are drawn of."""

import random

from hypothesis import strategies as st

# White space of several kinds (also what `re` and `regex` disagree on), contractions, digits and letters of several
# scripts, combining marks, symbols, emoji with joiners, what a special token is spelled with.
PIECES = [
    *"abcé ßЖ的ñ\u0301\u0e33٣Ⅷ²x'’-=<|>.,!?\n\r\t\v\f\x00\x1c\x1f\x7f\x85\xa0\u200b\u2028\u3000\ufeff\uffff",
    *["  ", "   ", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", " '", "the", " the", "ing", "12", " 3"],
    *["😀", "👩\u200d👩\u200d👧", "🇫🇷", "<|endoftext|>", "<|end", "<|user|>", "aaaa", "\n\n", "\r\n", "\U0010ffff"],
]
SURROGATES = ["\ud800", "\udbff", "\udc80", "\udcff", "\udfff"]

texts = st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=30).map("".join)
texts_with_surrogates = st.lists(st.sampled_from(PIECES + SURROGATES) | st.characters(), max_size=30).map("".join)
byte_strings = st.binary(max_size=60) | st.lists(
    st.sampled_from([piece.encode() for piece in PIECES] + [b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\x80"]),
    max_size=30,
).map(b"".join)


def drawn_texts(count: int, seed: int = 0) -> list[str]:
    """`count` strings of pieces and of any characters, lone surrogates too; the same ones for the same seed."""
    rng = random.Random(seed)
    pieces = PIECES + SURROGATES
    drawn = []
    for _ in range(count):
        parts = rng.choices(pieces, k=rng.randrange(12))
        parts += [chr(rng.randrange(0x110000)) for _ in range(rng.randrange(6))]
        rng.shuffle(parts)
        drawn.append("".join(parts))
    return drawn


def repeated(piece):
    return lambda n: (piece * n).encode()[:n].decode("utf-8", "ignore")


def drawn_from(letters):
    return lambda n: "".join(random.Random(0).choices(letters, k=n // len(letters[0].encode())))


FAMILIES = {  # texts meant to be slow, of n bytes
    "a": repeated("a"),
    "spaces": repeated(" "),
    "carets": repeated("^"),
    "newlines": repeated("\n"),
    "digits": drawn_from("0123456789"),
    "letters": drawn_from("abcdefghijklmnopqrstuvwxyz"),
    "emoji": repeated("😀"),
    "chinese": drawn_from("的一是不了人我在有他这中大来上国"),
    "random bytes as latin-1": lambda n: random.Random(0).randbytes(n).decode("latin-1"),
    "random bytes": lambda n: random.Random(0).randbytes(n),
}
