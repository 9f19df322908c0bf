"""Fork a process that saves checkpoints without end, SIGKILL it at a random moment, check what is left, and again.

Run as `python -m tests.lm.training.kill_saves RUN_DIR KILLS SEED`; exits 1 at the first run that cannot resume. A
program of its own, so that only one thread is alive when it forks.
"""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from lm.training.checkpoint import latest_checkpoint, save_checkpoint


def save_for_ever(run_dir: Path, step: int, report: int) -> None:
    while True:
        step += 1
        arrays = {"w": np.full((50, 40), step, np.float32), "b": np.full(3, step, np.int64)}
        save_checkpoint(run_dir, step, arrays, {"m.w": arrays["w"]}, {"step": step}, best_step=step - step % 5)
        os.write(report, step.to_bytes(8, "little"))


def main(run_dir: Path, kills: int, seed: int) -> None:
    rng, last = random.Random(seed), 0
    for kill in range(kills):
        readable, report = os.pipe()
        child = os.fork()
        if child == 0:
            save_for_ever(run_dir, last, report)
        os.close(report)
        time.sleep(rng.uniform(0.001, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        reports = b""
        while more := os.read(readable, 1 << 16):
            reports += more
        os.close(readable)
        reported = int.from_bytes(reports[-8:], "little") if reports else last
        checkpoint = latest_checkpoint(run_dir)
        found = 0 if checkpoint is None else checkpoint.step
        assert found in (reported, reported + 1), f"kill {kill}: step {reported} was saved, found {found}"
        if checkpoint is not None:
            arrays = [*checkpoint.model.values(), *checkpoint.optimizer.values()]
            assert all((array == found).all() for array in arrays), f"kill {kill}: arrays mixed"
            assert checkpoint.state == {"step": found}, f"kill {kill}: state mixed"
        last = found
    save_checkpoint(run_dir, last + 1, {}, {}, {}, best_step=last + 1)
    left = sorted(p.name for p in (run_dir / "checkpoints").iterdir())
    expected = {f"step-{last + 1:08d}", f"step-{last:08d}", f"step-{last - last % 5:08d}"} - {"step-00000000"}
    assert left == sorted(expected), f"not cleaned: {left}"
    print(f"{kills} kills, {last} checkpoints")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
