"""What every family asks of its settings and of the ids it is given, with messages that name what is wrong."""

from __future__ import annotations

from typing import Any, Protocol

from minigrad import ShapeError, Tensor, is_grad_enabled


class Filled(Protocol):
    """A cache, as far as checks go."""

    length: int

    @property
    def capacity(self) -> int: ...


def require_counts(config: Any, *names: str) -> None:
    """Raise ValueError unless these fields are whole numbers of at least 1, or None where that is their default."""
    for name in names:
        value = getattr(config, name)
        optional = type(config).__dataclass_fields__[name].default is None
        if not (value is None and optional) and not (type(value) is int and value >= 1):
            raise ValueError(f"{type(config).__name__}: {name} must be an integer of at least 1, got {value!r}")


def require_probabilities(config: Any, *names: str) -> None:
    """Raise ValueError unless these fields are in [0, 1), or None where that is their default."""
    for name in names:
        value = getattr(config, name)
        optional = type(config).__dataclass_fields__[name].default is None
        if not (value is None and optional) and not 0 <= value < 1:
            raise ValueError(f"{type(config).__name__}: {name} must be a probability in [0, 1), got {value!r}")


def check_ids(what: str, ids: Tensor, name: str = "ids") -> tuple[int, int]:
    """(B, T) of token ids; raises ShapeError, a ValueError, for another shape and for a batch of nothing."""
    if ids.ndim != 2:
        raise ShapeError(f"{what} needs token {name} of shape (batch, tokens), got {tuple(ids.shape)}")
    if 0 in ids.shape:
        raise ShapeError(f"{what} of an empty batch: token {name} have shape {tuple(ids.shape)}")
    return ids.shape[0], ids.shape[1]


def check_decoder_input(
    what: str, ids: Tensor, cache: Filled | None, setting: str, longest: int | None
) -> tuple[int, int, int]:
    """(B, T, tokens in the cache), after checking that they fit into `longest`, the value of `setting`."""
    B, T = check_ids(what, ids)
    if cache is not None and is_grad_enabled():
        raise RuntimeError(f"{what} with a cache: no gradient flows through cached keys; call it in minigrad.no_grad()")
    past = 0 if cache is None else cache.length
    after = f" after {past} in the cache" if past else ""
    if longest is not None and past + T > longest:
        raise ValueError(
            f"{what} reads at most {setting} = {longest} tokens, got {T}{after}; shorten the input, or make a model "
            f"with a larger {setting}"
        )
    if cache is not None and past + T > cache.capacity:
        room = cache.capacity
        raise ValueError(f"{what}: the cache has room for {room} tokens, got {T}{after}; make a larger one")
    return B, T, past


__all__ = ["check_decoder_input", "check_ids", "require_counts", "require_probabilities"]
