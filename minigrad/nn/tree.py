"""The tree that `repr(module)` shows: modules, parameter counts, names and shapes of parameters, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .module import Module


class Line(NamedTuple):
    depth: int
    name: str  # "(norm): ", or nothing for the root
    text: str
    total: str
    shapes: str

    @property
    def left(self) -> str:
        return "  " * self.depth + self.name + self.text


def draw(module: Module) -> str:
    """The tree below `module`, one module a line; equal neighbours in a list are drawn once."""
    lines, count = _lines(module, "", 0, "", {})
    lines[0] = lines[0]._replace(total=f"{count:,} parameters")
    left = max(len(line.left) for line in lines)
    middle = max(len(line.total) for line in lines[1:]) if len(lines) > 1 else 0
    return "\n".join(
        f"{line.left:{left}}  {line.total:>{middle}}  {line.shapes}".rstrip() if line.total else line.left
        for line in lines
    )


def _lines(module: Module, name: str, depth: int, path: str, met: dict[int, str]) -> tuple[list[Line], int]:
    """The lines of one module and its number of parameters. `met` is where each parameter was counted."""
    shapes = []
    count = 0
    for key, parameter in module._own_parameters():
        if id(parameter) in met:
            shapes.append(f"{key} = {met[id(parameter)]}")
        else:
            met[id(parameter)] = path + key
            shapes.append(f"{key} {parameter.shape}")
            count += parameter.numel()
    blocks = []
    for key, child in module.named_children():
        block, below = _lines(child, f"({key}): ", depth + 1, f"{path}{key}.", met)
        blocks.append(block)
        count += below
    total = f"{count:,}" if count or shapes else ""
    head = Line(depth, name, f"{type(module).__name__}({module.extra_repr()})", total, ", ".join(shapes))
    return [head, *_folded(blocks)], count


def _folded(blocks: Sequence[list[Line]]) -> list[Line]:
    """The blocks one below the other; neighbours (0), (1), ... that differ in nothing else become `(0-1): 2 x ...`."""
    lines: list[Line] = []
    start = 0
    while start < len(blocks):
        end = start + 1
        while end < len(blocks) and _is_numbered(blocks[start]) and _alike(blocks[start], blocks[end]):
            end += 1
        block = blocks[start]
        if end - start > 1:
            name = f"({block[0].name[1:-3]}-{blocks[end - 1][0].name[1:-3]}): {end - start} x "
            total = f"{end - start} x {block[0].total}" if block[0].total else ""
            block = [block[0]._replace(name=name, total=total), *block[1:]]
        lines += block
        start = end
    return lines


def _is_numbered(block: list[Line]) -> bool:
    return block[0].name[1:-3].isdigit()


def _alike(a: list[Line], b: list[Line]) -> bool:
    return _is_numbered(b) and [a[0]._replace(name=""), *a[1:]] == [b[0]._replace(name=""), *b[1:]]
