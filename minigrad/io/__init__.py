"""Files that can be trusted: atomic files, safetensors behind guards, and directories with a manifest.

Nothing here executes what it reads. A save happens whole or leaves what was there before; a load gives exactly what
was saved or raises. What goes into the files (models, optimizers, training state) is decided elsewhere.
"""

from minigrad.io.atomic import CorruptFileError, atomic_write
from minigrad.io.directory import load_directory, make_directory, remove_directory, save_directory, verify_directory
from minigrad.io.safetensors import load, load_file, save, save_file

__all__ = [
    "CorruptFileError",
    "atomic_write",
    "load",
    "load_directory",
    "load_file",
    "make_directory",
    "remove_directory",
    "save",
    "save_directory",
    "save_file",
    "verify_directory",
]
