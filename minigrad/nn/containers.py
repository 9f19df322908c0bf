"""Modules that hold modules: Sequential runs them in turn, ModuleList and ModuleDict only keep them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .module import Module


class _Numbered(Module):
    """Children in the attributes "0", "1", ..."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

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
            return type(self)._of(list(self)[index])
        return self._children()[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._name_at(index), module)

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Any:
        raise NotImplementedError

    def append(self, module: Module) -> Any:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self


class ModuleList(_Numbered):
    """A list of modules, which are children of whatever holds it. Not callable. PyTorch: `torch.nn.ModuleList`.

    >>> import minigrad as mg
    >>> layers = mg.nn.ModuleList(mg.nn.Linear(2, 2) for _ in range(3))
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> ModuleList:
        return cls(modules)

    def insert(self, index: int, module: Module) -> None:
        """Put a module before position `index`."""
        modules = list(self)
        modules.insert(index, module)
        for position, each in enumerate(modules):
            self.add_module(str(position), each)

    def __delitem__(self, index: int) -> None:
        kept = list(self)
        del kept[index]
        for name in self._children():
            delattr(self, name)
        self.extend(kept)


class Sequential(_Numbered):
    """Modules run one after another, each on the output of the one before. PyTorch: `torch.nn.Sequential`.

    Takes modules, or one dict of modules by name.

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
            if not isinstance(module, Module):
                raise TypeError(f"Sequential takes modules, got {type(module).__name__} at {name!r}")
            self.add_module(name, module)

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Sequential:
        return cls(*modules)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleDict(Module):
    """Modules by name, children of whatever holds it. Not callable. PyTorch: `torch.nn.ModuleDict`."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        for name, module in (modules or {}).items():
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
