import json
import os
import sys
import time
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy as oracle
from hypothesis import example, given
from hypothesis import strategies as st

from minigrad.io import CorruptFileError, load, load_file, safetensors, save, save_file

DTYPES = ["bool", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8"]
LAYOUTS = {
    "C": lambda a: a,
    "Fortran": lambda a: np.asarray(a, order="F"),
    "transposed": lambda a: a.T,
    "strided": lambda a: a[..., ::2] if a.ndim else a,
    "reversed": lambda a: a[::-1] if a.ndim else a,
    "broadcast": lambda a: np.broadcast_to(a, (3, *a.shape)),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "big-endian, transposed": lambda a: a.astype(a.dtype.newbyteorder(">")).T,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: np.frombuffer(b"?" + a.tobytes(), a.dtype, a.size, 1).reshape(a.shape),
}


def random_array(dtype, shape, seed):
    """Random bits, so that every NaN and subnormal takes part."""
    bits = np.random.default_rng(seed).bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    if dtype == "bool":
        bits = bytes(byte & 1 for byte in bits)
    return np.frombuffer(bits, dtype).reshape(shape).copy()


arrays = st.builds(
    lambda dtype, shape, seed, layout: LAYOUTS[layout](random_array(dtype, shape, seed)),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 4), max_size=4).map(tuple),
    st.integers(0, 2**32),
    st.sampled_from(sorted(LAYOUTS)),
)
tensor_dicts = st.dictionaries(st.text(max_size=8).filter(lambda s: s.isprintable()), arrays, max_size=4)


def little_endian_elements(array):
    """The bytes of each element in turn, as the native scalars that indexing gives: no layout or byte order."""
    assert sys.byteorder == "little"
    return b"".join(array[index].tobytes() for index in np.ndindex(array.shape))


@given(tensor_dicts)
def test_round_trip_is_bit_equal_in_every_layout_and_dtype(tensors):
    data = save(tensors)
    ours, theirs = load(data), oracle.load(data)
    assert ours.keys() == theirs.keys() == tensors.keys()
    for name, array in tensors.items():
        for loaded in (ours[name], theirs[name]):
            assert loaded.shape == array.shape
            assert loaded.dtype == array.dtype.newbyteorder("=")
            assert loaded.tobytes() == little_endian_elements(array)
        assert ours[name].flags.c_contiguous and ours[name].flags.writeable and ours[name].flags.aligned
        assert ours[name].dtype.isnative
    assert sum(array.nbytes for array in ours.values()) == len(data) - 8 - int.from_bytes(data[:8], "little")


@given(tensor_dicts.map(lambda d: {name: np.array(a, a.dtype.newbyteorder("="), order="C") for name, a in d.items()}))
def test_reads_what_the_safetensors_package_writes(tensors):
    loaded = load(oracle.save(tensors, {"any": "thing"}))
    assert loaded.keys() == tensors.keys()
    for name, array in tensors.items():
        assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.tobytes()


def test_equal_content_gives_equal_bytes_in_any_order():
    a, b = np.arange(3.0), np.arange(4, dtype=np.int8)
    one = save({"a": a, "b": b}, {"x": "1", "y": "2"})
    assert one == save({"b": b[::-1][::-1], "a": a}, {"y": "2", "x": "1"})
    assert one == save({"a": a, "b": b}, {"y": "2", "x": "1"})


@pytest.mark.parametrize("metadata", [{"key": "\ud800"}, {"\ud800": "value"}])
def test_metadata_that_utf8_cannot_hold_is_named(metadata):
    with pytest.raises(ValueError, match=r"metadata .* half a surrogate"):
        save({"w": np.zeros(2)}, metadata)


def test_every_array_is_aligned_in_the_file():
    """For readers that map it: the header ends on a multiple of 8, and wide numbers come first."""
    arrays = {"a": np.ones(3, np.int8), "b": np.ones(2), "c": np.ones(1, np.float16), "d": np.ones(3, np.float32)}
    for length in range(8):
        data = save(arrays, {"x": "y" * length})
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        for name, array in arrays.items():
            assert (8 + size + header[name]["data_offsets"][0]) % array.itemsize == 0
        assert size % 8 == 0


def test_names_that_share_memory_are_each_written_whole():
    base = np.arange(10.0)
    loaded = load(save({"base": base, "tail": base[5:], "same": base}))
    loaded["base"][:] = 0
    assert loaded["tail"].tolist() == [5, 6, 7, 8, 9] and loaded["same"].tolist() == list(range(10))


def test_format_is_named_for_transformers_and_can_be_added_to(tmp_path):
    save_file({"a": np.ones(2)}, tmp_path / "a.safetensors", {"step": "3"})
    with oracle.safe_open(tmp_path / "a.safetensors", "np") as file:
        assert file.metadata() == {"format": "pt", "step": "3"}


def test_tensors_are_saved_by_their_detached_array():
    class Tensor:
        def detach(self):
            return type("Detached", (), {"numpy": lambda _: np.arange(3.0)})()

    assert load(save({"t": Tensor(), "scalar": np.float32(2)}))["t"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "tensors, error, names",
    [
        ({"w": np.array(["a"])}, TypeError, "'w'"),
        ({"w": np.zeros(2, complex)}, TypeError, "complex128"),
        ({"w": np.zeros(2, object)}, TypeError, "object"),
        ({"w": np.zeros(2, "f4,i4")}, TypeError, "'w'"),
        ({"w": [1.0]}, TypeError, "'w' is a list"),
        ({1: np.zeros(2)}, TypeError, "1"),
        ({"__metadata__": np.zeros(2)}, ValueError, "rename"),
        ({"\ud800": np.zeros(2)}, ValueError, "half a surrogate"),
        ({"w": np.ma.masked_array([1.0, 2.0], [True, False])}, TypeError, "'w' is masked"),
    ],
)
def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path, tensors, error, names):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(error, match=names):
        save_file(tensors, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


def test_metadata_must_be_text():
    with pytest.raises(TypeError, match="metadata"):
        save({}, {"step": 3})


@pytest.mark.parametrize("broken", [np.zeros(6), np.arange(6.0)[::-1].copy(), np.arange(6.0).astype("f4")])
def test_what_reads_back_different_is_not_saved(tmp_path, monkeypatch, broken):
    asarray = np.asarray
    monkeypatch.setattr(np, "asarray", lambda a, *args, **kwargs: broken if kwargs else asarray(a, *args))
    with pytest.raises(RuntimeError, match="'w' reads back different"):
        save_file({"w": np.arange(6.0)}, tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_tensor_that_is_not_there_when_read_back_is_an_error(monkeypatch):
    def without_one_array(items, **how):
        return sorted(items, **how)[isinstance(items, dict) :]

    monkeypatch.setattr(safetensors, "sorted", without_one_array, raising=False)
    with pytest.raises(RuntimeError, match=r"\['a'\] are missing when read back"):
        save({"a": np.zeros(2), "b": np.zeros(2)})


# ---- loading what others wrote -------------------------------------------------------------------------------------


def crafted(header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@given(st.lists(st.integers(0, 2**16 - 1), max_size=20))
@example([0x7F80, 0xFF80, 0x7FC1, 0x7F81, 0x0001, 0x8000])
def test_bfloat16_is_widened_exactly(bits):
    body = np.array(bits, "<u2").tobytes()
    array = load(crafted({"w": entry("BF16", (len(bits), 1), (0, len(body)))}, body))["w"]
    assert array.dtype == np.float32 and array.shape == (len(bits), 1)
    assert array.view(np.uint32).ravel().tolist() == [b << 16 for b in bits]


EIGHT = bytes(8)
HOSTILE = {
    "empty": b"",
    "short": b"\x02\0\0\0\0\0\0",
    "length only": EIGHT,
    "huge length": crafted({"w": entry()}, EIGHT, length=2**63),
    "largest length": crafted({"w": entry()}, EIGHT, length=2**64 - 1),
    "length past the end": crafted({"w": entry()}, b"", length=10_000),
    "length cuts the header": crafted({"w": entry()}, EIGHT, length=20),
    "no object": crafted(b"[1, 2]"),
    "padded in front": crafted(b" {}"),
    "not JSON": crafted(b"{]"),
    "not UTF-8": crafted(b'{"\xff": 1}'),
    "UTF-16": crafted('{"a": 1}'.encode("utf-16")),
    "two values": crafted(b"{}{}"),
    "deep lists": crafted(b'{"a":' + b"[" * 500_000),
    "deep objects": crafted(b'{"a":' * 300_000),
    "long number": crafted(b'{"a":' + b"9" * 100_000 + b"}"),
    "name twice": crafted(
        b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        EIGHT,
    ),
    "key twice": crafted(b'{"w":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}', EIGHT),
    "metadata of numbers": crafted({"__metadata__": {"a": 1}}),
    "metadata no object": crafted({"__metadata__": "a"}),
    "entry no object": crafted({"w": [0, 8]}, EIGHT),
    "entry incomplete": crafted({"w": {"dtype": "F32", "shape": [2]}}, EIGHT),
    "entry with more": crafted({"w": {**entry(), "more": 1}}, EIGHT),
    "dtype unknown": crafted({"w": entry("F9")}, EIGHT),
    "dtype no text": crafted({"w": entry(["F32"])}, EIGHT),
    "long name": crafted({"w" * 100_000: entry(shape=(1,))}, EIGHT),
    "long dtype": crafted({"w": entry("F" * 100_000)}, EIGHT),
    "long key twice": crafted(b'{"%s":1,"%s":1}' % (b"w" * 100_000, b"w" * 100_000)),
    "float8": crafted({"w": entry("F8_E4M3", (8,))}, EIGHT),
    "shape no list": crafted({"w": entry(shape=2)}, EIGHT),
    "shape negative": crafted({"w": entry(shape=(-1, -2))}, EIGHT),
    "shape of floats": crafted({"w": entry(shape=(2.0,))}, EIGHT),
    "shape of booleans": crafted({"w": entry(shape=(True, 2))}, EIGHT),
    "shape wraps to 8 bytes": crafted({"w": entry("U8", (2**32, 2**32 + 8))}, EIGHT),
    "shape wraps to 0 bytes": crafted({"w": entry("U8", (2**32, 2**32), (0, 0))}),
    "shape too long a product for 0": crafted({"w": entry("F32", (0, 2**62, 2**62), (0, 0))}),
    "shape past 64 bits": crafted({"w": entry("F32", (0, 2**64), (0, 0))}),
    "65 dimensions": crafted({"w": entry("F32", (1,) * 65, (0, 4))}, bytes(4)),
    "shape smaller than data": crafted({"w": entry(shape=(1,))}, EIGHT),
    "shape larger than data": crafted({"w": entry(shape=(10**9,))}, EIGHT),
    "one offset": crafted({"w": entry(offsets=(8,))}, EIGHT),
    "offsets negative": crafted({"w": entry(offsets=(-8, 0))}, EIGHT),
    "offsets backwards": crafted({"w": entry("F32", (0,), (8, 0))}, EIGHT),
    "offsets past the end": crafted({"w": entry("F32", (4,), (0, 16))}, EIGHT),
    "offsets leave a hole": crafted({"w": entry(offsets=(4, 12))}, bytes(12)),
    "offsets overlap": crafted({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
    "the same bytes twice": crafted({"a": entry(), "b": entry()}, EIGHT),
    "bytes left over": crafted({"w": entry()}, bytes(9)),
    "boolean 2": crafted({"w": entry("BOOL", (2,), (0, 2))}, b"\1\2"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_by_name_soon_and_in_little_memory(tmp_path, name):
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE[name])
    start = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError, match=r"model\.safetensors") as caught:
            load_file(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 3 * len(HOSTILE[name]) + (1 << 20)
    assert time.perf_counter() - start < 1
    assert len(str(caught.value)) < len(str(path)) + 300


@pytest.mark.parametrize("unit", [b"[],", b"1.5,"])
def test_header_that_swells_when_parsed_is_bounded(unit):
    length = safetensors._FREE_HEADER - 100
    data = crafted(b'{"a":[' + unit * (length // len(unit)) + b"0]}")
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError):
            load(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 3 * len(data) + (64 << 20)
    with pytest.raises(CorruptFileError, match="header of"):
        load(crafted(b'{"a":[' + unit * (2 * length // len(unit)) + b"0]}"))


def test_every_truncation_is_refused():
    data = save({"w": np.arange(4, dtype=np.float32), "b": np.ones((2, 1), np.int8), "empty": np.zeros((0, 3))})
    for length in range(len(data)):
        with pytest.raises(CorruptFileError):
            load(data[:length])
    with pytest.raises(CorruptFileError, match="follow the last tensor"):
        load(data + b"\0")


events: list = []
listening = False
RUNS_OR_CHANGES = {
    "compile",
    "exec",
    "import",
    "os.fork",
    "os.remove",
    "os.rename",
    "os.system",
    "socket.connect",
    "subprocess.Popen",
}


def listen(event, arguments):
    if listening and (event in RUNS_OR_CHANGES or (event == "open" and arguments[1] not in ("r", "rb", None))):
        events.append((event, arguments))


def test_mutated_files_load_or_are_refused_and_run_nothing():
    global listening
    sys.addaudithook(listen)
    valid = save({"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(True)}, {"note": "text"})
    header_end = 8 + int.from_bytes(valid[:8], "little")
    rng = np.random.default_rng(0)
    interesting = b'{}[],:"\\0123456789-+.eEtfn\0\xff '
    loaded = 0
    for i in range(10_000):
        data = bytearray(valid)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(header_end if i % 4 else len(data)))
            match rng.integers(4):
                case 0:
                    data[at] ^= 1 << int(rng.integers(8))
                case 1:
                    data[at] = interesting[rng.integers(len(interesting))]
                case 2:
                    del data[at : at + int(rng.integers(1, 20))]
                case 3:
                    data[at:at] = data[at : at + int(rng.integers(1, 20))]
            header_end = min(header_end, len(data))
        header_end = 8 + int.from_bytes(valid[:8], "little")
        if i % 2:  # a right length lets the mutation reach the parser
            data[:8] = (header_end - 8 + len(data) - len(valid)).to_bytes(8, "little")
        listening = True
        try:
            tensors = load(bytes(data))
        except CorruptFileError:
            continue
        finally:
            listening = False
        loaded += 1
        assert sum(array.nbytes for array in tensors.values()) <= len(data)
    assert not events
    assert loaded > 100  # of names, metadata and values, which this format cannot protect


def test_loaded_arrays_outlive_the_file(tmp_path):
    path = tmp_path / "a"
    save_file({"w": np.arange(1000.0)}, path)
    array = load_file(path)["w"]
    with open(path, "r+b") as file:
        file.truncate(0)
    assert array.sum() == 499_500
