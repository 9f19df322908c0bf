"""What every refusal of an operation has in common, and the words of those that the grid of calls brings about.

    python -m tests.minigrad.ops.refusal

writes them to refusals.json, with # for each number, to be read in the change of it: is the cause right, and is it all
that one needs to know? What NumPy says, which depends on its version, is left out.
"""

import json
import linecache
import re
import warnings
from pathlib import Path

FILE = Path(__file__).with_name("refusals.json")
WORDS = json.loads(FILE.read_text()) if FILE.exists() else {}


def check_refusal(error, function, given):
    """It begins with the name of the function, says it once, and is not of None where nothing given was None."""
    told = str(error)
    name = getattr(function, "__name__", getattr(function, "name", "")).rstrip("_")
    if name != "<lambda>" and not isinstance(error, NotImplementedError):
        assert re.match(rf"(linalg\.)?{name}_?\b", told), (given, told)
        assert len(re.findall(rf"(?i)(?<![\w']){name}_?(:| of| takes| needs)", told)) < 2, (given, told)
    assert "None" not in told.replace("must be None", "") or "None" in repr(given), (given, told)


def words(error):
    """The class and the text of an error, without what NumPy or Python said, and without the numbers in it."""
    told = str(error)
    cause = error
    while cause := cause.__cause__ or cause.__context__:
        theirs = str(cause).replace("axis", "dimension").replace("array", "tensor")
        if not _raised_by_us(cause) and theirs and theirs in told:
            told = told.partition(theirs)[0] + "..."
    for pattern, word in _WORDS.items():
        told = re.sub(pattern, word, told)
    return f"{type(error).__name__}: {told}"


_WORDS = {
    r"\b(u?int|float)[0-9]+\b|\bbool\b(?!s)": "dtype", r"(?<![a-z0-9])-?[0-9][0-9.]*": "#",
    r"\((\(#(, #)*,?\)|\[#(, #)*\]),\)": "shape", r"\((#|True)(, (#|True))*,?\)| \(\)|\[#(, #)*\]": " shape",
    r"shape dtype(,? and +shape dtype)+": "tensors", r"\b(True|False)\b": "truth", " +": " ",
    r" with \w+=[^:]*?: ": " with settings: ",
}  # fmt: skip


def _raised_by_us(error):
    """Whether a line of ours raised it, and no function that it calls."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    line = frame and linecache.getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno)
    return bool(line) and line.lstrip().startswith("raise")


def record():
    import numpy as np

    import minigrad as mg
    from tests.oracle.grid import REFUSALS, calls_of, outcome
    from tests.oracle.grid_cases import NAMES, SHEETS

    found = {name: set() for name in NAMES}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in NAMES:
            for call in calls_of(name, SHEETS):
                try:
                    outcome(mg, call)
                except REFUSALS as error:
                    found[name].add(words(error))
    return {name: sorted(texts) for name, texts in found.items()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(record(), indent=0) + "\n")
