"""Calls that PyTorch and minigrad both understand, by family: `make_ops.py` records what PyTorch answers, the tests
compare. Every module here that has `CALLS` is a family."""

import pkgutil
from importlib import import_module

_modules = {module.name: import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)}
FAMILIES = {name: module.CALLS for name, module in sorted(_modules.items()) if hasattr(module, "CALLS")}
