"""Many texts as arrays of one shape: padded, truncated, masked, with a model's special tokens around them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.bpe import BPETokenizer
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.templates import PLAIN, Template

Side = Literal["left", "right"]
Truncation = Literal["longest_first", "only_first", "only_second"]
Padding = Literal["longest", "max_length"]

_PADDING = ("<pad>", "[PAD]", "<|pad|>")


@dataclass(frozen=True)
class Encoding:
    """B texts, or pairs of texts, as arrays of shape (B, T) and type int64, by the names that models give them.

    Attributes:
        input_ids: token ids.
        attention_mask: 1 where there is a token, 0 where there is padding.
        token_type_ids: which of a pair's texts a token belongs to, as the template says; 0 where there is padding.
        special_tokens_mask: 1 where the template put a token, and where there is padding.
    """

    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    token_type_ids: NDArray[np.int64]
    special_tokens_mask: NDArray[np.int64]


def encode_batch(
    tokenizer: BPETokenizer | Pipeline,
    texts: Sequence[str | bytes],
    pairs: Sequence[str | bytes] | None = None,
    *,
    template: Template | None = None,
    max_length: int | None = None,
    truncation: Truncation | bool | None = None,
    truncation_side: Side = "right",
    padding: Padding | bool = True,
    padding_side: Side = "right",
    pad_to_multiple_of: int = 1,
    pad_id: int | None = None,
    allowed_special: Literal["all"] | Collection[str] = (),
    disallowed_special: Literal["all"] | Collection[str] = "all",
) -> Encoding:
    """`texts`, or the pairs of `texts` and `pairs`, as one `Encoding`; the arguments are those of `transformers`.

    Args:
        template: the special tokens around a text and around a pair; the tokenizer's own if not given, and
            `templates.PLAIN` for none.
        max_length: what `truncation` cuts to and ``padding="max_length"`` fills up to, special tokens counted.
        truncation: what is cut where a text or pair is too long: tokens of the longer one until both are alike
            ("longest_first", True), or of one of them alone. None, False: ValueError for what is longer than
            `max_length`.
        truncation_side: the end at which it is cut.
        padding: to the longest of these ("longest", True), or to `max_length`. False: ValueError where lengths differ.
        padding_side: the end at which padding is added; "left" for texts that are to be gone on with.
        pad_to_multiple_of: T is one.
        pad_id: the id to pad with; the tokenizer's token for that if not given. ValueError where padding is needed
            and there is none.
        allowed_special, disallowed_special: for the texts, as in `encode`.

    >>> from lm.tokenizer import BPETokenizer
    >>> batch = encode_batch(BPETokenizer([]), ["a", "bcd"], pad_id=0, padding_side="left")
    >>> batch.input_ids.tolist(), batch.attention_mask.tolist()
    ([[0, 0, 64], [65, 66, 67]], [[0, 0, 1], [1, 1, 1]])
    """
    if isinstance(texts, str | bytes) or isinstance(pairs, str | bytes):
        raise TypeError("texts and pairs are sequences of texts, not one text")
    if pairs is not None and len(pairs) != len(texts):
        raise ValueError(f"{len(texts)} texts and {len(pairs)} to pair them with")
    cut = ("longest_first" if truncation else None) if isinstance(truncation, bool) else truncation
    choices: tuple[tuple[str, object, tuple[object, ...]], ...] = (
        ("truncation", cut, (None, "longest_first", "only_first", "only_second")),
        ("truncation_side", truncation_side, ("left", "right")),
        ("padding", padding, (True, False, "longest", "max_length")),
        ("padding_side", padding_side, ("left", "right")),
    )
    for name, value, known in choices:
        if value not in known:
            raise ValueError(f"{name} is one of {', '.join(map(repr, known))}, not {value!r}")
    if max_length is None and (cut is not None or padding == "max_length"):
        raise ValueError("truncation and padding to max_length need max_length")
    if pad_to_multiple_of < 1 or (max_length is not None and max_length < 0):
        raise ValueError(f"pad_to_multiple_of {pad_to_multiple_of} or max_length {max_length} is too small")
    if template is None:
        template = tokenizer.template if isinstance(tokenizer, Pipeline) else PLAIN
    id_of = {**tokenizer.special_tokens, **(tokenizer.token_ids if isinstance(tokenizer, Pipeline) else {})}
    for spelling in template.tokens:
        if spelling not in id_of:
            raise ValueError(f"the template has {spelling!r}, which is no special token of this tokenizer")

    rows = []
    for number, text in enumerate(texts):
        both = [text] if pairs is None else [text, pairs[number]]
        encoded = [
            tokenizer.encode(each, allowed_special=allowed_special, disallowed_special=disallowed_special)
            for each in both
        ]
        if max_length is not None:
            room = max_length - template.extra(pair=pairs is not None)
            lengths = _lengths([len(ids) for ids in encoded], room, cut, number)
            encoded = [
                ids[:n] if truncation_side == "right" else ids[len(ids) - n :] for ids, n in zip(encoded, lengths)
            ]
        rows.append(template.fill(id_of, *encoded))

    longest = max((len(ids) for ids, _, _ in rows), default=0)
    width = max_length if padding == "max_length" and max_length is not None else longest
    width = -(-width // pad_to_multiple_of) * pad_to_multiple_of
    if pad_id is None:
        pad_id = next((id_of[spelling] for spelling in _PADDING if spelling in id_of), None)
    if (pad_id is None or padding is False) and any(len(ids) < width for ids, _, _ in rows):
        how = "pass padding=True" if padding is False else "the tokenizer has no token for it: pass pad_id"
        raise ValueError(f"the texts have different lengths, and would have to be padded; {how}")

    def array(values: Sequence[list[int]], fill: int) -> NDArray[np.int64]:
        out = np.full((len(values), width), fill, dtype=np.int64)
        for row, inner in zip(out, values):
            row[width - len(inner) if padding_side == "left" else 0 :][: len(inner)] = inner
        return out  # (B, T)

    return Encoding(
        input_ids=array([ids for ids, _, _ in rows], pad_id or 0),
        attention_mask=array([[1] * len(ids) for ids, _, _ in rows], 0),
        token_type_ids=array([types for _, types, _ in rows], 0),
        special_tokens_mask=array([special for _, _, special in rows], 1),
    )


def _lengths(lengths: list[int], room: int, truncation: Truncation | None, number: int) -> list[int]:
    """How many tokens of each text of one row are kept, of `lengths`, for `room` in all."""
    excess = sum(lengths) - room
    if excess <= 0:
        return lengths
    if truncation is None:
        raise ValueError(f"row {number} has {excess} tokens more than max_length: pass truncation, or a longer one")
    if room < 0:
        raise ValueError(f"max_length leaves no room: the template alone has {-room} tokens more")
    if truncation == "longest_first":
        if len(lengths) == 1:
            return [room]
        short = min(*lengths, room // 2)
        first_is_longer = lengths[0] > lengths[1]
        return [room - short, short] if first_is_longer else [short, room - short]
    cut = 0 if truncation == "only_first" else 1
    if cut == len(lengths) or lengths[cut] < excess:
        raise ValueError(f"row {number} is {excess} tokens too long, more than {truncation} can take away")
    lengths = list(lengths)
    lengths[cut] -= excess
    return lengths
