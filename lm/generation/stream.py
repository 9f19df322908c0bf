"""Text from tokens as they come: characters whole, and nothing beyond a stop string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lm.tokenizer import Tokenizer
from lm.tokenizer.decoding import StreamDecoder


def stream_text(tokenizer: Tokenizer, ids: Iterable[int], stop: Sequence[str] = ()) -> Iterator[str]:
    """The text of `ids` in chunks, each as soon as it is certain; joined they are `tokenizer.decode(ids)`
    (but U+FFFD for each byte of a lone surrogate).

    A character is held back until all its bytes are there, and what may begin one of the strings in `stop` until it is
    seen not to. The first of them ends the text and is not part of it.

    >>> from lm.tokenizer import CharacterTokenizer
    >>> tokenizer = CharacterTokenizer("abc.")
    >>> list(stream_text(tokenizer, tokenizer.encode("ab.c..ab"), stop=[".."]))
    ['a', 'b', '.c']
    """
    if "" in stop:
        raise ValueError("a stop string must have at least one character")
    held = ""
    for text in _characters(tokenizer, ids):
        held += text
        ends = [end for one in stop if (end := held.find(one)) >= 0]
        if ends:
            if min(ends):
                yield held[: min(ends)]
            return
        certain = len(held) - max((_overlap(held, one) for one in stop), default=0)
        if certain:
            yield held[:certain]
            held = held[certain:]
    if held:
        yield held


def _characters(tokenizer: Tokenizer, ids: Iterable[int]) -> Iterator[str]:
    decoder = StreamDecoder()
    for data in _bytes(tokenizer, ids):
        yield decoder.feed(data)
    yield decoder.finish()


def _bytes(tokenizer: Tokenizer, ids: Iterable[int]) -> Iterator[bytes]:
    """What each token adds to the first that shows, behind which many have a space, and to the one before it, behind
    which a line may begin.
    """
    context: list[int] = []
    for id in ids:
        before = tokenizer.decode_bytes(context)
        yield tokenizer.decode_bytes([*context, id])[len(before) :]
        context = [*context[:1], id] if before else [id]


def _overlap(text: str, stop: str) -> int:
    """How many of the last characters of `text` are the first ones of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
