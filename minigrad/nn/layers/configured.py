"""What layers have in common that are a function with its settings kept, and no parameters.

Such a layer is a dataclass: its fields are the arguments of its constructor, its attributes, and its line in `repr`.
"""

from __future__ import annotations

import dataclasses
from typing import dataclass_transform

from ..module import Module


@dataclass_transform(eq_default=False)
class Configured(Module):
    """A module whose annotated attributes are its settings; a layer defines them and `forward`.

    >>> import minigrad as mg
    >>> mg.nn.ELU(alpha=2.0).extra_repr()
    'alpha=2.0'
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(eq=False, repr=False)(cls)

    def extra_repr(self) -> str:
        settings = [(field.name, getattr(self, field.name)) for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        return ", ".join(f"{name}={value!r}" for name, value in settings if (name, value) != ("inplace", False))
