"""What the rest of the package asks of a tokenizer; `BPETokenizer`, `CharacterTokenizer` and `Pipeline` have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tokenizer(Protocol):
    """Text to token ids ``0 .. vocab_size - 1`` and back."""

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""

    @property
    def eot_token(self) -> int | None:
        """The id that stands between documents, None where there is none."""

    def encode(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """The ids of `text`. Raises ValueError when it cannot be encoded, or spells a disallowed special token."""

    def encode_to_array(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> NDArray[np.unsignedinteger[Any]]:
        """`encode`, as an array of shape (tokens,): uint16 when every id fits, else uint32."""

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of the text of `ids`. Raises ValueError for an id outside ``0 .. vocab_size - 1``."""

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`. Raises ValueError for an id outside ``0 .. vocab_size - 1``."""
