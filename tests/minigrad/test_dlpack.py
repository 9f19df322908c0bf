"""DLPack: memory shared with NumPy, and with PyTorch where that is installed."""

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.host("about memory shared with NumPy")
DTYPES = ["bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"]

since_2_1 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy 2.0 knows the first protocol alone: all is read-only"
)


class Foreign:
    """An array of another library, as far as DLPack goes: from a device, and noting what it was asked."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device, self.asked = array, device, None

    def __dlpack__(self, **asked):
        self.asked = asked
        return self.array.__dlpack__(**asked)

    def __dlpack_device__(self):
        return self.device


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_reads_a_tensors_memory(dtype):
    x = mg.tensor(np.arange(6).reshape(2, 3).astype(dtype))
    array = np.from_dlpack(x)
    assert array.dtype == dtype and np.shares_memory(array, x.data)
    np.testing.assert_array_equal(array, x.data)


@since_2_1
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_reads_an_arrays_memory(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    x = mg.from_dlpack(array)
    assert type(x) is mg.Tensor and x.dtype == dtype and np.shares_memory(array, x.data)
    assert not x.requires_grad and x.is_leaf
    array[0, 0] = 1
    np.testing.assert_array_equal(x.data, array)
    x.fill_(0)
    assert not array.any()


@pytest.mark.parametrize("view", [
    lambda a: a.T, lambda a: a[::2, ::-1], lambda a: a[:, 1:2], lambda a: a[:0], lambda a: a[0, 0, ...],
    lambda a: a[1:, 2],
])  # fmt: skip
def test_views_keep_their_strides(view):
    x = mg.tensor(np.arange(12.0).reshape(3, 4))
    there = np.from_dlpack(mg.Tensor(view(x.data)))
    back = mg.from_dlpack(view(x.data))
    for array in (there, back.data):
        np.testing.assert_array_equal(array, view(x.data))
        assert array.shape == view(x.data).shape
        assert not array.size or (np.shares_memory(array, x.data) and array.strides == view(x.data).strides)


def test_a_tensor_says_where_its_memory_is():
    assert mg.ones(2).__dlpack_device__() == (1, 0)


def test_a_tensor_that_requires_grad_is_not_shared():
    for x in (mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True) * 2):
        with pytest.raises(BufferError, match=r"x\.detach\(\)"):
            np.from_dlpack(x)
        assert np.shares_memory(np.from_dlpack(x.detach()), x.data)


@since_2_1
def test_what_the_consumer_asks_for_reaches_the_array():
    x = mg.ones(2)
    assert not np.shares_memory(np.from_dlpack(x, copy=True), x.data)
    assert np.shares_memory(np.from_dlpack(x, copy=False, device="cpu"), x.data)
    with pytest.raises((BufferError, ValueError)):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(RuntimeError, match="stream"):
        x.__dlpack__(stream=3)


@since_2_1
def test_read_only_memory_stays_read_only():
    array = np.ones(3)
    array.flags.writeable = False
    x = mg.from_dlpack(array)
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1.0)
    assert not np.from_dlpack(mg.from_numpy(array)).flags.writeable
    with pytest.raises(BufferError, match=r"read-?only"):
        mg.from_numpy(array).__dlpack__()  # a consumer of the old protocol would not know
    assert array.tolist() == [1.0] * 3


@since_2_1
def test_copy_gives_memory_of_its_own():
    array = np.ones(3)
    array.flags.writeable = False
    x = mg.from_dlpack(array, copy=True)
    x.add_(1.0)
    assert x.tolist() == [2.0] * 3 and array.tolist() == [1.0] * 3
    assert np.shares_memory(mg.from_dlpack(array, copy=False, device="cpu").data, array)


def test_the_memory_outlives_its_owner():
    x = mg.from_dlpack(np.arange(5.0))
    y = np.from_dlpack(mg.arange(5.0))
    assert x.tolist() == y.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


@since_2_1
def test_a_write_from_outside_is_seen_but_not_noticed():
    """What the module says of it: the log of in-place changes knows of writes by minigrad alone."""
    array = np.ones(2)
    x, w = mg.from_dlpack(array), mg.ones(2, dtype=mg.float64, requires_grad=True)
    loss = (w * x).sum()
    array[...] = 5.0
    loss.backward()
    assert w.grad.tolist() == [5.0, 5.0]
    loss = (w * x).sum()
    x.add_(1.0)  # by minigrad
    with pytest.raises(RuntimeError, match="changed in place by add_"):
        loss.backward()


REFUSED = {
    "a list": ([1.0], TypeError, "__dlpack__ and __dlpack_device__, got list"),
    "a number": (3, TypeError, "got int"),
    "None": (None, TypeError, "got NoneType"),
    "complex": (np.ones(2, complex), TypeError, "complex128"),
    "another byte order": (np.ones(2, np.dtype(float).newbyteorder()), BufferError, "byte order"),
    "text": (np.array(["a"]), (TypeError, BufferError), "DLPack|dtype"),
    "objects": (np.array([None]), (TypeError, BufferError), "DLPack|dtype"),
    "a device nobody serves": (Foreign(np.ones(2), (10, 0)), BufferError, "device type 10"),
    "the graph of another": (mg.ones(2, requires_grad=True), BufferError, "detach"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shared_is_refused(name):
    value, error, word = REFUSED[name]
    with pytest.raises(error, match=word):
        mg.from_dlpack(value)


def test_a_device_that_this_process_has_not_is_an_error():
    there = Foreign(np.ones(2), (2, 0))
    for call in (lambda: mg.from_dlpack(there), lambda: mg.from_dlpack(np.ones(2), device="cuda")):
        with pytest.raises(RuntimeError, match="device 'cuda' needs CuPy"):
            call()
    with pytest.raises(RuntimeError, match="from_dlpack: no backend serves device 'gpu'"):
        mg.from_dlpack(Foreign(np.ones(2), (1, 0)), device="gpu")
    with pytest.raises(BufferError, match="cannot be shared with 'cuda'"):
        mg.from_dlpack(np.ones(2), device="cuda", copy=False)


@since_2_1
def test_any_producer_will_do():
    producer = Foreign(np.arange(3.0))
    assert mg.from_dlpack(producer).tolist() == [0.0, 1.0, 2.0]
    assert np.shares_memory(mg.from_dlpack(mg.from_dlpack(producer)).data, producer.array)


# ---------------------------------------------------------------------------------------------------- with PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@since_2_1
@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_and_minigrad_share_memory_both_ways(torch, dtype):
    theirs = torch.from_numpy(np.arange(6).reshape(2, 3).astype(dtype))
    ours = mg.from_dlpack(theirs)
    assert ours.dtype == dtype and ours.data.ctypes.data == theirs.data_ptr()
    theirs[0, 0] = 1
    assert ours[0, 0].item() == 1
    ours.fill_(1)
    assert bool((theirs == 1).all())
    back = torch.from_dlpack(mg.tensor(np.ones((2, 3), dtype)))
    assert str(back.dtype).endswith(dtype) and back.shape == (2, 3)


def test_pytorch_views_and_empty_tensors_are_shared(torch):
    whole = torch.arange(12.0).reshape(3, 4)
    for view in (whole.T, whole[::2, 1:], whole[:0], whole[0, 0]):
        ours = mg.from_dlpack(view)
        assert ours.shape == tuple(view.shape) and ours.tolist() == view.tolist()
        again = torch.from_dlpack(ours)
        assert again.tolist() == view.tolist()
        assert not view.numel() or again.data_ptr() == view.data_ptr()


def test_pytorch_refuses_what_it_would_lose(torch):
    with pytest.raises(BufferError):
        mg.from_dlpack(torch.ones(2, requires_grad=True))
    with pytest.raises(BufferError, match="detach"):
        torch.from_dlpack(mg.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="a dtype that no tensor can have"):
        mg.from_dlpack(torch.ones(2, dtype=torch.bfloat16))


def test_arithmetic_with_pytorchs_tensors_names_them(torch):
    with pytest.raises(TypeError, match=r"torch\.Tensor is neither a tensor nor a number"):
        mg.ones(2) + torch.ones(2)
