"""The safetensors format (https://github.com/huggingface/safetensors): 8 bytes of length, a JSON header, raw arrays.

Written and read here rather than by the package of that name, which the tests use as the oracle: so it needs NumPy
alone, and equal content gives equal bytes in every process (the package orders metadata at random). Every byte of the
header is doubted before the first array is made.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from minigrad.backends import cpu, moved
from minigrad.io.atomic import CorruptFileError, StrPath, atomic_write, read_regular
from minigrad.tensor import Tensor

Array = npt.NDArray[Any]


class SupportsDetach(Protocol):
    """A Tensor, as far as saving is concerned: `detach()` gives something whose `numpy()` is an array."""

    def detach(self) -> Any: ...


_DTYPES = {
    "BOOL": np.dtype("bool"),
    "U8": np.dtype("<u1"),
    "U16": np.dtype("<u2"),
    "U32": np.dtype("<u4"),
    "U64": np.dtype("<u8"),
    "I8": np.dtype("<i1"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "C64": np.dtype("<c8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_STORED = {**_DTYPES, "BF16": np.dtype("<u2")}
_MAX_HEADER = 100_000_000
# Parsed, a header takes up to 30 times its size. So a long one is believed only beside the data that it describes.
_FREE_HEADER, _HEADER_SHARE = 2 << 20, 16


def save(tensors: Mapping[str, Array | SupportsDetach], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file (name and arguments of `safetensors.numpy.save`).

    Arrays of any layout and byte order are written in C order, little-endian; shapes () and (0, n) stay what they are;
    names that share memory are each written whole. Equal content gives equal bytes, whatever its order. `metadata` is
    added to {"format": "pt"}. The result is parsed and compared with the arrays bit by bit before it is returned.

    Raises:
        TypeError: a dtype that the format lacks, or something that is neither an array nor a Tensor, or is masked.
        ValueError: a name that the format cannot hold, or more names than `load` would believe.

    >>> load(save({"w": np.arange(6, dtype=np.float32).reshape(2, 3).T}))["w"].shape
    (3, 2)
    """
    given = {name: _as_array(name, value) for name, value in tensors.items()}
    raw = {name: np.asarray(array, array.dtype.newbyteorder("<"), order="C") for name, array in given.items()}
    order = sorted(raw, key=lambda name: (-raw[name].itemsize, name))  # widest first keeps every array aligned
    header: dict[str, Any] = {"__metadata__": _checked_metadata(metadata)}
    start = 0
    for name in order:
        end = start + raw[name].nbytes
        header[name] = {"dtype": _NAMES[raw[name].dtype], "shape": raw[name].shape, "data_offsets": (start, end)}
        start = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join([len(text).to_bytes(8, "little"), text, *(raw[name].data for name in order)])
    _compare(given, data)
    return data


def load(data: bytes) -> dict[str, Array]:
    """The arrays in the bytes of a safetensors file: each a writable copy of its own, C order, native byte order.

    bfloat16 is widened to float32, which is exact. Raises CorruptFileError as `load_file` does.
    """
    return _load(data, "safetensors data")


def save_file(
    tensors: Mapping[str, Array | SupportsDetach], path: StrPath, metadata: Mapping[str, str] | None = None
) -> None:
    """Write `save(tensors, metadata)` to `path`, whole or not at all (name of `safetensors.numpy.save_file`).

    Raises as `save` and `atomic_write` do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"w": np.ones((2, 3), np.float32)}, f"{folder}/model.safetensors")
    ...     float(load_file(f"{folder}/model.safetensors")["w"].sum())
    6.0
    """
    atomic_write(path, save(tensors, metadata))


def load_file(path: StrPath) -> dict[str, Array]:
    """The arrays in a safetensors file, as `load` gives them (name of `safetensors.numpy.load_file`).

    Raises:
        CorruptFileError: (a ValueError) naming the file and the tensor: cut short, offsets that overlap or leave the
            file, a dtype unknown to NumPy, a shape that does not match its bytes, a name given twice.
        OSError: the file cannot be read.
    """
    return _load(read_regular(Path(path)), os.fspath(path))


def _as_array(name: str, value: Any) -> Array:
    if not isinstance(name, str):
        raise TypeError(f"save: tensor names are strings, got {name!r}")
    if name == "__metadata__":
        raise ValueError("save: the format keeps the name '__metadata__' for itself; rename this tensor")
    _check_text("tensor name", name)
    value = moved(value.data if isinstance(value, Tensor) else value, cpu)
    if not isinstance(value, (np.ndarray, np.generic)):
        if not hasattr(value, "detach"):
            raise TypeError(f"save: tensor {name!r} is a {type(value).__name__}, neither an array nor a Tensor")
        value = value.detach().numpy()
    if hasattr(value, "mask"):  # without importing numpy.ma, which NumPy itself does only when it is used
        raise TypeError(f"save: tensor {name!r} is masked, and the format has no place for masks; use .filled()")
    array = np.asarray(value)
    if array.dtype.newbyteorder("<") not in _NAMES:
        raise TypeError(f"save: tensor {name!r} has dtype {array.dtype}; safetensors holds {', '.join(_DTYPES)}")
    return array


def _checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    merged = {"format": "pt", **(metadata or {})}  # transformers 4 refuses a file that names no format
    if not all(isinstance(text, str) for pair in merged.items() for text in pair):
        raise TypeError("save: metadata maps strings to strings")
    for text in (*merged, *merged.values()):
        _check_text("metadata", text)
    return dict(sorted(merged.items()))


def _check_text(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"save: {what} {text!r} holds half a surrogate pair, which UTF-8 cannot") from None


def _compare(given: Mapping[str, Array], data: bytes) -> None:
    """Parse what is about to be saved and compare it with the arrays, element by element, whatever their layout."""
    names = set()
    for name, written, dtype in _entries(data, "save"):
        array = given[name].astype(written.dtype, copy=False)
        bits = np.dtype(f"u{written.itemsize}")
        same = dtype == _NAMES[given[name].dtype.newbyteorder("<")] and array.shape == written.shape
        if not same or (array.view(bits) != written.view(bits)).any():
            raise RuntimeError(f"save: tensor {name!r} reads back different from what was given; nothing was written")
        names.add(name)
    if names != given.keys():
        raise RuntimeError(f"save: {sorted(given.keys() - names)} are missing when read back; nothing was written")


def _load(data: bytes, where: str) -> dict[str, Array]:
    out: dict[str, Array] = {}
    for name, stored, dtype in _entries(data, where):
        if dtype == "BF16":  # the upper half of a float32
            out[name] = (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
        else:
            out[name] = stored.astype(stored.dtype.newbyteorder("="))
    return out


def _entries(data: bytes, where: str) -> list[tuple[str, Array, str]]:
    """(name, read-only view into `data`, safetensors dtype) of every tensor, after checking all of the file."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 10 or data[8:9] != b"{":
        raise CorruptFileError(f"{where}: not a safetensors file (a length and a JSON header come first)")
    longest = min(_MAX_HEADER, len(data) - 8, max(_FREE_HEADER, len(data) // _HEADER_SHARE))
    if size > longest:
        raise CorruptFileError(f"{where}: a header of {size:,} bytes, where {longest:,} is the most for this file")
    try:
        header = json.loads(data[8 : 8 + size].decode(), object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{where}: the header cannot be read: {_short(error)}") from None
    metadata = header.pop("__metadata__", {})
    if type(metadata) is not dict or not all(type(text) is str for text in metadata.values()):
        raise CorruptFileError(f"{where}: __metadata__ does not map strings to strings")
    checked = [(*_checked_entry(name, entry, where), name) for name, entry in header.items()]
    base = position = 8 + size
    out = []
    for start, end, dtype, shape, name in sorted(checked, key=lambda entry: entry[:2]):
        what = f"{where}: tensor {_short(name)}"
        if base + start != position:
            raise CorruptFileError(f"{what} overlaps another or leaves a hole: it starts at {start:,}")
        position = base + end
        if position > len(data):
            raise CorruptFileError(f"{what} ends {position - len(data):,} bytes past the end of the file; cut short?")
        array = np.frombuffer(data, _STORED[dtype], math.prod(shape), base + start).reshape(shape)
        if dtype == "BOOL" and (array.view(np.uint8) > 1).any():
            raise CorruptFileError(f"{what} of dtype BOOL holds bytes other than 0 and 1")
        out.append((name, array, dtype))
    if position != len(data):
        raise CorruptFileError(f"{where}: {len(data) - position:,} bytes follow the last tensor")
    return out


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise ValueError(f"the name {_short(key)} is given twice")
        out[key] = value
    return out


def _checked_entry(name: str, entry: Any, where: str) -> tuple[int, int, str, list[int]]:
    """(start, end, dtype, shape), after checking types, dtype, sizes and that they agree."""
    what = f"{where}: tensor {_short(name)}"
    if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise CorruptFileError(f"{what} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if type(dtype) is not str or dtype not in _STORED:
        raise CorruptFileError(f"{what} has dtype {_short(dtype)}; known are {', '.join(_STORED)}")
    for numbers in (shape, offsets):
        if type(numbers) is not list or not all(type(n) is int and 0 <= n < 2**63 for n in numbers):
            raise CorruptFileError(f"{what}: shape and data_offsets must be lists of integers from 0 to 2**63 - 1")
    itemsize = _STORED[dtype].itemsize
    if len(shape) > 64 or math.prod(max(n, 1) for n in shape) * itemsize >= 2**63:  # the limits of a NumPy array
        raise CorruptFileError(f"{what}: no array can have shape {_short(shape)}")
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * itemsize:
        raise CorruptFileError(f"{what}: {dtype} of shape {_short(shape)} does not fill data_offsets {_short(offsets)}")
    return offsets[0], offsets[1], dtype, shape


def _short(value: Any) -> str:
    """For a message: whatever a hostile file holds, at most 80 characters."""
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
