"""Modules that hold modules: Sequential runs them in turn, ModuleList and ModuleDict only keep them."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .module import Module


class _Numbered(Module):
    """Children in the attributes "0", "1", ..."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _children(self) -> dict[str, Module]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Module)}

    def _name_at(self, index: int) -> str:
        names = list(self._children())
        position = operator.index(index)
        if not -len(names) <= position < len(names):
            raise IndexError(f"index {position} is out of range for {type(self).__name__} of length {len(names)}")
        return names[position]

    def __len__(self) -> int:
        return len(self._children())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children().values())

    def __getitem__(self, index: int | slice) -> Any:
        """The module at `index`; a slice is a container of the same kind that shares its modules."""
        if isinstance(index, slice):
            return self._of(list(self._children().items())[index])
        return self._children()[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self._put(self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        """Remove what is at `index`, or in a slice; those that stay are numbered anew."""
        modules = list(self)
        del modules[index]
        self._refill(modules)

    def __add__(self, other: Iterable[Module]) -> Any:
        """A new container of the same kind, numbered, that shares the modules of both."""
        return type(self)().extend(self).extend(other)

    def _of(self, items: Sequence[tuple[str, Module]]) -> Any:
        raise NotImplementedError

    def _put(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            hint = f"; unpack it: {type(self).__name__}(*modules)" if isinstance(module, (list, tuple)) else ""
            raise TypeError(f"{type(self).__name__} takes modules, got {type(module).__name__} at {name!r}{hint}")
        self.add_module(name, module)

    def _refill(self, modules: Iterable[Module]) -> None:
        for name in self._children():
            delattr(self, name)
        self.extend(modules)

    def append(self, module: Module) -> Any:
        """Add a module at the end, under its position as its name; where a slice kept that name, under the next free.

        (PyTorch would replace the module of that name.)
        """
        names = self._children()
        self._put(next(name for name in map(str, itertools.count(len(names))) if name not in names), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before position `index`; all are numbered anew."""
        modules = list(self)
        modules.insert(index, module)
        self._refill(modules)
        return self

    def pop(self, index: int | slice) -> Any:
        """Remove the module at `index`, or a slice, and return it."""
        removed = self[index]
        del self[index]
        return removed


class ModuleList(_Numbered):
    """A list of modules, which are children of whatever holds it. Not callable. PyTorch: `torch.nn.ModuleList`.

    >>> import minigrad as mg
    >>> layers = mg.nn.ModuleList(mg.nn.Linear(2, 2) for _ in range(3))
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    def _of(self, items: Sequence[tuple[str, Module]]) -> ModuleList:
        return type(self)(module for _, module in items)


class Sequential(_Numbered):
    """Modules run one after another, each on the output of the one before. PyTorch: `torch.nn.Sequential`.

    Takes modules, or one dict of modules by name. In a slice the modules keep their names, so that what is saved of
    it fits the whole.

    >>> import minigrad as mg
    >>> net = mg.nn.Sequential(mg.nn.Linear(3, 8), mg.nn.ReLU(), mg.nn.Linear(8, 1))
    >>> net(mg.zeros(5, 3)).shape
    (5, 1)
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], Mapping) else None
        super().__init__()
        items = ((str(i), module) for i, module in enumerate(modules)) if named is None else named.items()
        for name, module in items:
            self._put(name, module)

    def _of(self, items: Sequence[tuple[str, Module]]) -> Sequential:
        return type(self)(dict(items))

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleDict(Module):
    """Modules by name, children of whatever holds it. Not callable. PyTorch: `torch.nn.ModuleDict`.

    Takes a dict, or pairs of name and module.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        for name, module in dict(modules or ()).items():
            self[name] = module

    def _children(self) -> dict[str, Module]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Module)}

    def __getitem__(self, name: str) -> Module:
        return self._children()[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._children()

    def __len__(self) -> int:
        return len(self._children())

    def __iter__(self) -> Iterator[str]:
        return iter(self._children())

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._children().keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._children().values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Names and modules."""
        return self._children().items()
