"""Hypothesis profiles, and the devices that the suite can run on.

`pytest --hypothesis-profile=deep` searches long and at random; the default is quick and the same on every run, so that
a red test is red for everyone. `pytest --device=cuda` makes every new tensor on the stand-in for a GPU (see
`tests/standin`), `--device=cuda-real` on a real one through CuPy. Tests marked `host` are about host memory itself and
are skipped there.
"""

import pytest
from hypothesis import HealthCheck, settings

import minigrad

settings.register_profile(
    "default", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("device", settings.get_profile("default"), max_examples=4)
settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption(
        "--device", default="cpu", choices=["cpu", "cuda", "cuda-real"], help="where the tests make their tensors"
    )


def pytest_configure(config):
    device = config.getoption("--device")
    if device != "cpu":
        from tests.standin import on_device

        on_device.start(real=device == "cuda-real")
        settings.load_profile("device")


@pytest.fixture(autouse=True)
def the_default_device_stays():
    """A test that leaves another one takes those after it off the device, and they pass there unseen."""
    before = minigrad.get_default_device()
    yield
    after = minigrad.get_default_device()
    minigrad.set_default_device(before)
    assert after == before, f"the test left {after!r} as the default device"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--device") != "cpu":
        for item in items:
            mark = item.get_closest_marker("host")
            if mark is not None:
                item.add_marker(pytest.mark.skip(reason=f"about host memory: {mark.args[0]}"))
