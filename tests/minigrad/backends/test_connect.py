"""Connecting the GPU: what is said where CuPy or the GPU is missing, and that nothing is loaded before it is asked."""

import subprocess
import sys

import pytest

from minigrad import backends

pytestmark = pytest.mark.host("expects no GPU")


def message(code):
    """What a fresh process says of `code`, in which `mg` is minigrad."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code[0]}\nimport minigrad as mg\ntry:\n    {code[1]}\n"
         "except RuntimeError as error:\n    print(error)\nelse:\n    print('none')"],
        cwd=backends.__file__.rpartition("/minigrad/")[0], capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout


NO_CUPY = "import sys; sys.modules['cupy'] = None"
NO_GPU = """
from tests.standin import namespace
namespace.install()
import cupy
def none():
    raise cupy.cuda.runtime.CUDARuntimeError("driver too old")
cupy.cuda.runtime.getDeviceCount = none
"""
ASKED = ["mg.ones(2).to('cuda')", "mg.ones(2, device='cuda:0')", "mg.set_default_device('cuda')",
         "mg.nn.Linear(2, 2).cuda()"]  # fmt: skip


@pytest.mark.parametrize("call", ASKED)
def test_without_cupy_the_extras_are_named(call):
    said = message((NO_CUPY, call))
    assert "needs CuPy" in said and "minigrad[cuda12x]" in said and "minigrad[cuda13x]" in said


def test_without_a_gpu_that_is_said():
    assert "finds no NVIDIA GPU it can use (driver too old)" in message((NO_GPU, "mg.ones(2, device='cuda')"))


def test_cupy_is_not_imported_before_a_gpu_is_asked_for():
    setup = "from tests.standin import namespace\nnamespace.install()"
    code = "mg.ones(2).sum(); import sys; print('minigrad.backends.cupy' in sys.modules)"
    assert message((setup, code)) == "False\nnone\n"


@pytest.mark.parametrize("device", ["cpu:1", "gpu", "cuda:-1", ""])
def test_what_is_no_device_is_refused(device):
    with pytest.raises(RuntimeError, match="device"):
        backends.backend_for(device)


def test_the_default_device_is_set_and_given_up():
    assert backends.get_default_device() == "cpu"
    backends.set_default_device("cpu:0")
    backends.set_default_device(None)
    assert backends.get_default_device() == "cpu"
