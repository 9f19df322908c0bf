"""Why mutants that were proven equivalent are."""

from minigrad.testing.mutants.runtime import Mutant


def reason(mutant: Mutant) -> str:
    return "?"
