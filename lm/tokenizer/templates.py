"""The special tokens that a model expects around one text and around a pair of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A special token (its spelling), or a text ("$A", "$B"), and the token type ids it gets."""

    content: str
    type_id: int = 0


@dataclass(frozen=True)
class Template:
    """What stands around one text, `single`, and around two, `pair`. Raises ValueError unless each text is there once.

    >>> bert = Template.parse("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    >>> bert.tokens
    ('[CLS]', '[SEP]')
    >>> bert.fill({"[CLS]": 101, "[SEP]": 102}, [7, 8], [9])
    ([101, 7, 8, 102, 9, 102], [0, 0, 0, 0, 1, 1], [1, 0, 0, 1, 0, 1])
    """

    single: tuple[Part, ...]
    pair: tuple[Part, ...]

    def __post_init__(self) -> None:
        for parts, texts in (self.single, ["$A"]), (self.pair, ["$A", "$B"]):
            if sorted(part.content for part in parts if part.content in ("$A", "$B")) != texts:
                spelled = " ".join(part.content for part in parts)
                raise ValueError(f"the template {spelled[:80]!r} does not hold {' and '.join(texts)} once")

    @classmethod
    def parse(cls, single: str, pair: str) -> Template:
        """From parts with white space between them; ``:1`` after a part gives it token type 1."""

        def part(text: str) -> Part:
            content, _, type_id = text.rpartition(":")
            return Part(content, int(type_id)) if content and type_id.isdecimal() else Part(text)

        return cls(tuple(map(part, single.split())), tuple(map(part, pair.split())))

    @property
    def tokens(self) -> tuple[str, ...]:
        """The spellings of the special tokens in it."""
        parts = [*self.single, *self.pair]
        return tuple(dict.fromkeys(part.content for part in parts if part.content not in ("$A", "$B")))

    def extra(self, pair: bool) -> int:
        """How many tokens it adds to one text or to two."""
        return len(self.pair) - 2 if pair else len(self.single) - 1

    def fill(
        self, id_of: Mapping[str, int], a: Sequence[int], b: Sequence[int] | None = None
    ) -> tuple[list[int], list[int], list[int]]:
        """Ids, token type ids, and 1 where a special token stands, of a text's ids or two texts'."""
        ids: list[int] = []
        types: list[int] = []
        special: list[int] = []
        for part in self.single if b is None else self.pair:
            is_text = part.content in ("$A", "$B")
            inner = ((a if part.content == "$A" else b) or []) if is_text else [id_of[part.content]]
            ids += inner
            types += [part.type_id] * len(inner)
            special += [int(not is_text)] * len(inner)
        return ids, types, special


PLAIN = Template.parse("$A", "$A $B:1")
TEMPLATES = {
    "gpt2": PLAIN,
    "bert": Template.parse("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
    "roberta": Template.parse("<s> $A </s>", "<s> $A </s> </s> $B </s>"),
    "t5": Template.parse("$A </s>", "$A </s> $B </s>"),
}
