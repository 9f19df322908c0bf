"""Whether the tests notice a changed line in minigrad/ops: `python -m tests.mutants.source`."""
