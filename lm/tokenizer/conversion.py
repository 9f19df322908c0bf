"""Between this project's byte-level BPE and the pipelines that other projects' files describe."""

from __future__ import annotations

from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import BPETokenizer
from lm.tokenizer.byte_level import ByteLevel
from lm.tokenizer.normalizers import KEEP
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.templates import PLAIN


def as_pipeline(tokenizer: BPETokenizer) -> Pipeline:
    """The same tokenizer, id for id, in the parts that files of other projects have."""
    special = frozenset(tokenizer.special_tokens.values())
    token_of = {id: tokenizer.token_bytes(id) for id in range(tokenizer.vocab_size)}
    model = ByteLevel(
        {token: id for id, token in token_of.items() if id not in special},
        [(token_of[left], token_of[right]) for left, right in tokenizer.merges],
        pattern=tokenizer.pattern,
    )
    added = [AddedToken(spelling, id) for spelling, id in tokenizer.special_tokens.items()]
    return Pipeline(model, added_tokens=added)


def as_bpe(tokenizer: Pipeline) -> BPETokenizer | None:
    """The same tokenizer, id for id, as a `BPETokenizer`; None where that could not be the same.

    It is not where ids are in another order, where text is normalized or a space put first, for special tokens that
    take white space with them and for templates.
    """
    model = tokenizer.model
    if not isinstance(model, ByteLevel) or model.add_prefix_space or model.exceptions:
        return None
    if tokenizer.normalizer != KEEP or tokenizer.template != PLAIN:
        return None
    if any(token != AddedToken(token.content, token.id) for token in tokenizer.added_tokens):
        return None
    merges = [(model.vocabulary[left], model.vocabulary[right]) for left, right in model.merges]
    try:
        bpe = BPETokenizer(merges, special_tokens=tokenizer.special_tokens, pattern=model.pattern)
    except ValueError:
        return None
    if bpe.vocab_size != len(model.vocabulary) + len(bpe.special_tokens):
        return None
    same = all(bpe.token_bytes(id) == token for token, id in model.vocabulary.items())
    return bpe if same else None
