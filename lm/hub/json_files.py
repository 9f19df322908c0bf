"""JSON files of one object, read with errors that name them, and written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minigrad import io


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ValueError naming it for anything else, OSError where it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({str(error)[:80]}); was it cut off?") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path}: not a JSON object but a {type(document).__name__}")
    return document


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write an object, whole or not at all."""
    io.atomic_write(path, (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())


__all__ = ["read_json", "write_json"]
