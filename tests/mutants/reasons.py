"""Why a mutant that was proven equivalent is: what its rule or its domain leaves no room for."""

from __future__ import annotations

from minigrad.testing.mutants.runtime import Mutant, argument_name, label

ONE_DIMENSION = {"layer_norm[1]", "layer_norm[2]", "linear[2]"}
REASONS = {
    "negative dropped": "the domain has no negative inputs",
    "nan at zero": "0 is not in the domain, or there is no derivative at it",
    "mask inverted": "the domain has no positive inputs",
    "centred": "the mean of the gradient is 0: the function stays as it is if all entries move together",
    "swap": "the gradients of both arguments are the same",
    "duplicate unbroadcast": "the argument is never broadcast: only a 0-d or a whole one is allowed",
    "unbroadcast forgotten": "the argument is never broadcast: only a 0-d or a whole one is allowed",
    "written into the cotangent": "the cotangent never has the shape of the argument, so nothing fits into its memory",
    "stale saved values": "nothing of what is saved and may change enters this gradient",
    "saved values scaled": "nothing is saved that could be written to",
    "second order: inputs are constants": "where the gradient has a derivative, it does not change with what it reads",
    "wrong for a negative setting": "what counts from the end is brought to the front before the rule sees it",
    "wrong for 0-d arrays": "the argument always has dimensions",
    "wrong for size 1": "the argument has no dimension of size 1",
    "wrong in other layouts": "the argument reaches the rule in C order, however it was given",
    "wrong for cotangents in other layouts": "the cotangent reaches the rule in C order, however it was given",
    "wrong for a repeated argument": "where both arguments are one array, this one has gradient 0, or they cannot be",
    "tied inputs in full": "where an entry equals the other argument, this one has gradient 0",
    "tied entries in full": "two entries can be equal only where there is no derivative",
    "another axis": "along no other dimension do the shapes fit",
    "keepdims lost": "what is lost is given back where the gradient is summed over what was broadcast",
    "eps dropped": "eps does not enter this gradient",
    "a number 0.1% off": "the number does not enter this gradient",
    "mask redrawn": "the mask does not enter this gradient",
}


def reason(mutant: Mutant) -> str:
    name = f"{label(mutant.target)}[{argument_name(mutant.target, mutant.argument)}]"
    if name in ONE_DIMENSION and mutant.operator.name in ("transpose", "in Fortran's order"):
        return "the argument has one dimension: there is nothing to rearrange"
    if name == "matmul[1]" and "unbroadcast" in mutant.operator.name:
        return "the gradient of one matrix for a stack is summed inside the product"
    return REASONS.get(mutant.operator.name, "")
