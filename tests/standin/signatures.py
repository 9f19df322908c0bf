"""The signatures recorded in `snapshot.json`, and calls held to them."""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np

SNAPSHOT = json.loads((Path(__file__).parent / "snapshot.json").read_text())
SIGNATURES: dict[str, str | None] = SNAPSHOT["signatures"]
UFUNCS: dict[str, dict[str, str]] = SNAPSHOT["ufuncs"]


@functools.cache
def signature(path: str) -> inspect.Signature | None:
    text = SIGNATURES[path]
    if text is None:
        return None
    space: dict[str, Any] = {"numpy": np, "inf": np.inf, "nan": np.nan}
    exec(f"def f{text}: ...", space)  # noqa: S102 - of our own file
    return inspect.signature(space["f"])


def bind(path: str, args: Any, kwargs: Any) -> inspect.BoundArguments | None:
    """The arguments by name. Raises TypeError for what CuPy's function does not take."""
    known = signature(path)
    try:
        return known and known.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{path}{SIGNATURES[path]}: {error}") from None
