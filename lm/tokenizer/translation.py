"""A function of one character, applied to a whole text at the speed of `str.translate`."""

from __future__ import annotations

from collections.abc import Callable

_REMEMBERED = 1 << 16


class Translation(dict[int, str]):
    """A table for `str.translate` that asks `function` for each new character, and remembers a bounded number.

    >>> "Hello".translate(Translation(lambda character: character.upper() * 2))
    'HHEELLLLOO'
    """

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, code: int) -> str:
        if len(self) == _REMEMBERED:
            self.clear()
        self[code] = self._function(chr(code))
        return self[code]
