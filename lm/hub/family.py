"""What there is to say of a family that is exchanged with Hugging Face: `Family`, and the `Row`s of its tables.

Each family says it in a file of `families/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from minigrad import nn

Document = dict[str, Any]  # of a config.json

T: Final = True  # in a row: the matrix lies transposed in the files, (in, out), where ours are (out, in)


class Row(NamedTuple):
    """One line of a table: our name of a module or parameter, and Hugging Face's.

    `*` stands for a layer's number. A row of a module covers its weight and its bias.
    """

    ours: str
    theirs: str
    transposed: bool = False


def rows(*lines: tuple[str, str] | tuple[str, str, bool]) -> tuple[Row, ...]:
    """A table from its lines."""
    return tuple(Row(*line) for line in lines)


def _read_as_it_is(document: Document, problems: list[str]) -> Document:
    return document


def _write_as_it_is(fields: Document) -> Document:
    return fields


@dataclass(frozen=True)
class Family:
    """What there is to know about a family.

    architectures: Hugging Face's name of a class, and ours; the first is what a file that names none is.
    trunk, heads: their tables of names: of what all models of the family share, and of what comes with a head.
        `prefix` is before the trunk's names in files of models with a head, `attribute` where our modules with a head
        keep the trunk ("" where it is the module itself).
    bare: our class of the trunk alone, if there is one.
    optional: modules of the trunk that come and go with the head.
    ignored: names in files that are no weights, with and without the prefix.
    copies: names in files that repeat another tensor, where weights are tied.
    biased: modules that have a bias in every file; zeros are written for ours without.
    options: settings of config.json that the models here do not have, and what they must be; missing is the first.
    read: from a config.json to one with our configuration's fields; adds what is wrong to a list.
    write: from our configuration's fields to those of a config.json.
    special_tokens: what transformers calls a token, and how it is spelled where the tokenizer has it.
    """

    config: type[Any]
    architectures: Mapping[str, type[nn.Module]]
    trunk: tuple[Row, ...]
    heads: tuple[Row, ...] = ()
    optional: tuple[str, ...] = ()
    bare: type[nn.Module] | None = None
    prefix: str = ""
    attribute: str = ""
    ignored: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    biased: tuple[str, ...] = ()
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    read: Callable[[Document, list[str]], Document] = _read_as_it_is
    write: Callable[[Document], Document] = _write_as_it_is
    special_tokens: Mapping[str, str] = field(default_factory=dict)


__all__ = ["Document", "Family", "Row", "T", "rows"]
