"""How text is generated, as data: `GenerationConfig`, under the names of Hugging Face's generation_config.json."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# Settings of others that change what is generated, and what they must be for that not to matter.
UNSUPPORTED: Mapping[str, tuple[Any, ...]] = {
    "typical_p": (None, 1.0), "epsilon_cutoff": (None, 0.0), "eta_cutoff": (None, 0.0), "num_beam_groups": (None, 1),
    "diversity_penalty": (None, 0.0), "penalty_alpha": (None, 0.0), "top_h": (None,), "sequence_bias": (None,),
    "encoder_repetition_penalty": (None, 1.0), "encoder_no_repeat_ngram_size": (None, 0), "suppress_tokens": (None,),
    "begin_suppress_tokens": (None,), "exponential_decay_length_penalty": (None,), "guidance_scale": (None, 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class GenerationConfig:
    """What to generate. Names, meanings and defaults are those of transformers' `GenerationConfig`.

    Args:
        max_new_tokens: how many tokens at most.
        do_sample: draw from the distribution; otherwise the likeliest token, or the likeliest text by beams.
        num_beams: how many texts a beam search follows; 1 is none.
        num_return_sequences: how many texts per prompt, the best of the beams.
        early_stopping: when a beam search ends: True, as soon as there are `num_beams` whole texts; False, when the
            best running one can no longer beat the worst of these at its present length; "never", at any length.
        length_penalty: a whole text's log-probability is divided by its length to this power.
        repetition_penalty: above 1 makes what is there already less likely (Keskar et al., 2019).
        no_repeat_ngram_size: no n tokens of a row occur twice; 0 is off.
        bad_words_ids: sequences of tokens that are not to occur.
        min_length, min_new_tokens: no end of text before so many tokens, the prompt included or not.
        forced_bos_token_id, forced_eos_token_id: the first token after the start, and the last at full length.
        temperature, top_k, top_p, min_p: see `sampling`; only with `do_sample`.
        bos_token_id, eos_token_id, pad_token_id, decoder_start_token_id: special tokens; `eos_token_id` ends a text,
            several may.

    Raises ValueError naming a setting that is out of its range.
    """

    max_new_tokens: int = 20
    do_sample: bool = False
    num_beams: int = 1
    num_return_sequences: int = 1
    early_stopping: bool | Literal["never"] = False
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    bad_words_ids: tuple[tuple[int, ...], ...] = ()
    min_length: int = 0
    min_new_tokens: int = 0
    forced_bos_token_id: int | None = None
    forced_eos_token_id: int | None = None
    temperature: float = 1.0
    top_k: int | None = 50
    top_p: float | None = 1.0
    min_p: float | None = None
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None
    decoder_start_token_id: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "no_repeat_ngram_size", "min_length", "min_new_tokens"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name in ("num_beams", "num_return_sequences"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        beams = self.num_beams
        most = beams if not self.do_sample or beams > 1 else self.num_return_sequences
        returned = self.num_return_sequences
        _require(returned <= most, "num_return_sequences", returned, f"at most num_beams = {beams} without sampling")
        _require(self.early_stopping in (True, False, "never"), "early_stopping", self.early_stopping, "bool or never")
        _require(math.isfinite(self.length_penalty), "length_penalty", self.length_penalty, "finite")
        _require(0 < self.repetition_penalty < math.inf, "repetition_penalty", self.repetition_penalty, "positive")
        _require(0 < self.temperature < math.inf, "temperature", self.temperature, "positive")
        _require(self.top_k is None or self.top_k >= 0, "top_k", self.top_k, "0 or more (0 keeps every token)")
        _require(self.top_p is None or 0 < self.top_p <= 1, "top_p", self.top_p, "in (0, 1]")
        _require(self.min_p is None or 0 <= self.min_p <= 1, "min_p", self.min_p, "in [0, 1]")
        _require(all(self.bad_words_ids), "bad_words_ids", self.bad_words_ids, "sequences of at least one token")
        if self.do_sample and beams > 1:
            raise ValueError(f"num_beams = {beams} with do_sample: beams that are drawn are not supported; choose one")

    @property
    def ends(self) -> tuple[int, ...]:
        """The tokens that end a text."""
        ends = self.eos_token_id
        return () if ends is None else (ends,) if isinstance(ends, int) else ends

    def token_ids(self) -> dict[str, Any]:
        """The special tokens, None where there is none; several ends as a list."""
        names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
        ids = {name: getattr(self, name) for name in names}
        ids["eos_token_id"] = list(self.ends) if isinstance(self.eos_token_id, tuple) else self.eos_token_id
        return {name: value for name, value in ids.items() if value is not None or name != "decoder_start_token_id"}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], where: str) -> GenerationConfig:
        """The settings in a generation_config.json. A warning names those that are not supported here.

        Raises ValueError naming the file and the setting for a value of the wrong type or out of range.
        """
        lost = [name for name, harmless in UNSUPPORTED.items() if document.get(name) not in harmless]
        if lost:
            warnings.warn(f"{where}: {', '.join(lost)} are not supported here, and left out", stacklevel=2)
        given: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            value = document.get(field.name)
            if value is not None:
                given[field.name] = tuple(map(_hashable, value)) if isinstance(value, list) else value
        try:
            return cls(**given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """What generation_config.json says: the special tokens, and whatever is not the default."""
        changed = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        changed |= {name: value for name, value in self.token_ids().items() if value is not None}
        if "bad_words_ids" in changed:
            changed["bad_words_ids"] = [list(words) for words in self.bad_words_ids]
        return changed


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _require(condition: bool, name: str, value: object, rule: str) -> None:
    if not condition:
        raise ValueError(f"{name} must be {rule}, got {value!r}")


__all__ = ["GenerationConfig"]
