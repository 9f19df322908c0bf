"""Reading files that may come from anyone: a bounded number of bytes, strict JSON, errors that are ValueErrors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

MAX_FILE_BYTES = 40 << 20
MAX_VALUES = 1 << 22  # an object or a list of a few bytes takes some hundred in memory


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Puts the file's name before the message of a ValueError raised inside."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def read_bytes(path: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """The content of a file; ValueError when it is longer than `limit` (`MAX_FILE_BYTES`), without reading on."""
    limit = MAX_FILE_BYTES if limit is None else limit
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"more than {limit} bytes, too large for a tokenizer")
    return data


def read_text(path: str | os.PathLike[str]) -> str:
    """`read_bytes`, which must be UTF-8."""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None


def parse_object(data: bytes, floats: bool = False) -> dict[str, Any]:
    """The JSON object in `data`; ValueError for anything else, for a name that is there twice, and for numbers that
    JSON does not know. Only with `floats` may numbers have a fraction."""
    if sum(map(data.count, (b"[", b"{", b","))) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values, too many for a tokenizer")
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_no_constant,
            parse_float=float if floats else _no_float,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error}); was it cut off?") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ValueError("not a tokenizer file: nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def entry(
    document: Mapping[str, Any], name: str, kind: type | tuple[type, ...], where: str = "", default: Any = ...
) -> Any:
    """``document[name]``, which must be of type `kind` exactly (True is no integer); where it is missing, `default`
    if there is one."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if name not in document and default is not ...:
        return default
    if type(document.get(name)) not in kinds:
        names = " or ".join(_NAMES[each] for each in kinds)
        missing = "missing" if name not in document else f"not {names}"
        raise ValueError(f'{where}"{name}" is {missing}')
    return document[name]


_NAMES = {
    dict: "an object", list: "a list", str: "a string", int: "an integer", bool: "true or false", float: "a number",
    type(None): "null",
}  # fmt: skip


def dense(ids: dict[int, str], what: str) -> None:
    """Raises ValueError unless the keys of `ids` are 0, 1, 2 and so on; the values are for the message."""
    for id, spelling in ids.items():
        if not 0 <= id < len(ids):
            gap = next(gap for gap in range(len(ids)) if gap not in ids)
            raise ValueError(f"{what} {spelling[:40]!r} has id {id}, but there is none with id {gap}")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name is there twice in one JSON object")
    return entries


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of a tokenizer")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no id: ids are integers")
