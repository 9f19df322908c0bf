"""`python -m benchmarks`: minigrad beside its peers, one table after another; `--only NAME ...` for some of them.

Each is a command of its own too, with settings: `python -m benchmarks.train_step --help`. Peers that are not installed
are left out; `pip install 'minigrad[bench]'` brings them. Results with machine and date are in `RESULTS.md`.
"""

from __future__ import annotations

import argparse

from benchmarks import attention_memory, cold_start, generation, layers, small_ops, train_step

COMMANDS = {
    "train_step": train_step.main,
    "layers": layers.main,
    "small_ops": small_ops.main,
    "generation": generation.main,
    "attention_memory": attention_memory.main,
    "cold_start": cold_start.main,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    for name in parser.parse_args().only:
        print(f"\n## {name}\n", flush=True)
        COMMANDS[name]([])


if __name__ == "__main__":
    main()
