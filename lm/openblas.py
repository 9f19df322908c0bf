"""Which kernels OpenBLAS, NumPy's library for products of matrices, uses. It chooses when it is loaded, by what a
processor can do, not by what it does fast."""

from __future__ import annotations

import os
import sys

VARIABLE = "OPENBLAS_CORETYPE"


def choose_kernels(cpuinfo: str = "/proc/cpuinfo") -> None:
    """On AMD's Zen 4, let OpenBLAS use its kernels for 256 bits; to be called before anything imports NumPy.

    It would use those for 512 bits, which Zen 4 computes in two halves: 3% to 10% slower, in products of a few hundred
    rows. Elsewhere nothing changes, nor where the variable OPENBLAS_CORETYPE is set already.
    """
    if VARIABLE in os.environ or "numpy" in sys.modules:
        return
    try:
        with open(cpuinfo) as file:
            first = file.read(4096).partition("\n\n")[0]  # of the processors
    except OSError:  # elsewhere than on Linux
        return
    pairs = (line.partition(":") for line in first.splitlines())
    about = {name.strip(): value.strip() for name, _, value in pairs}
    zen_3_or_4 = (about.get("vendor_id"), about.get("cpu family")) == ("AuthenticAMD", "25")
    if zen_3_or_4 and "avx512f" in about.get("flags", "").split():
        os.environ[VARIABLE] = "Haswell"


__all__ = ["choose_kernels"]
