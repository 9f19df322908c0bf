"""Whether the gradient checker finds every wrong rule among the declared cases: `python -m tests.mutants`."""
