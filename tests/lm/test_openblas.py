"""On the one processor for which OpenBLAS chooses badly, its kernels are chosen for it, and nowhere else."""

import json
import os
import subprocess
import sys

import pytest

from lm import openblas

ZEN_4 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
flags\t\t: fpu sse2 avx2 fma avx512f avx512dq
power management:

processor\t: 1
vendor_id\t: GenuineIntel
"""
OTHERS = {
    "zen 3": ZEN_4.replace(" avx512f", ""),
    "zen 5": ZEN_4.replace("family\t: 25", "family\t: 26"),
    "intel": ZEN_4.replace("AuthenticAMD", "GenuineIntel", 1),
    "arm": "processor\t: 0\nFeatures\t: fp asimd\n",
    "nothing": "",
}


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    def choose(text, numpy=False):
        monkeypatch.setenv("OPENBLAS_CORETYPE", "")
        if not numpy:
            monkeypatch.delitem(sys.modules, "numpy")
        del os.environ["OPENBLAS_CORETYPE"]
        (tmp_path / "cpuinfo").write_text(text)
        openblas.choose_kernels(str(tmp_path / "cpuinfo"))
        return os.environ.get("OPENBLAS_CORETYPE")

    return choose


def test_on_zen_4_it_is_those_for_256_bits(chosen):
    assert chosen(ZEN_4) == "Haswell"


@pytest.mark.parametrize("name", OTHERS)
def test_elsewhere_it_is_what_openblas_chooses(chosen, name):
    assert chosen(OTHERS[name]) is None


def test_it_is_too_late_where_numpy_is_loaded(chosen):
    assert chosen(ZEN_4, numpy=True) is None


def test_a_choice_that_was_made_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    monkeypatch.delitem(sys.modules, "numpy")
    (tmp_path / "cpuinfo").write_text(ZEN_4)
    openblas.choose_kernels(str(tmp_path / "cpuinfo"))
    assert os.environ["OPENBLAS_CORETYPE"] == "Zen"


def test_a_system_without_the_file_is_fine(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.delitem(sys.modules, "numpy")
    openblas.choose_kernels(str(tmp_path / "not there"))
    assert "OPENBLAS_CORETYPE" not in os.environ


def test_the_command_chooses_before_anything_loads_numpy():
    program = (
        "import json, sys; from lm import openblas\n"
        "loaded = []; openblas.choose_kernels = lambda: loaded.append('numpy' in sys.modules)\n"
        "from lm import cli; cli.main(['count', '--nothing'])\n"
        "print(json.dumps(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [False], done.stderr
