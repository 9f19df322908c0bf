"""The parts of a `tokenizer.json` around its model: normalizers, how words are cut, templates, decoders.

Each part is an object with a "type"; each list of types here is closed.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from lm.tokenizer import normalizers
from lm.tokenizer.charsmap import Precompiled
from lm.tokenizer.formats.strict import entry
from lm.tokenizer.normalizers import KEEP, BertNormalizer, Normalizer, Prepend, Replace
from lm.tokenizer.splitting import split_pattern
from lm.tokenizer.templates import PLAIN, Part, Template
from lm.tokenizer.unigram import Metaspace

MAX_PARTS = 32
MAX_STRING = 256
MAX_GROWTH = 1 << 12

_NULL = type(None)


def _type(part: Any, what: str) -> str:
    if not isinstance(part, dict):
        raise ValueError(f'"{what}" is neither an object nor null')
    kind: str = entry(part, "type", str, f"{what}: ")
    return kind


def _members(part: dict[str, Any], name: str, what: str) -> list[Any]:
    members: list[Any] = entry(part, name, list, f"{what}: ")
    if len(members) > MAX_PARTS:
        raise ValueError(f"{what}: {len(members)} parts, more than {MAX_PARTS}")
    return members


def _string(part: dict[str, Any], name: str, what: str) -> str:
    text: str = entry(part, name, str, f"{what}: ")
    if len(text) > MAX_STRING:
        raise ValueError(f'{what}: "{name}" has {len(text)} characters, more than {MAX_STRING}')
    return text


def bounded(part: dict[str, Any], name: str, default: int) -> int:
    """A small positive number."""
    value: int = entry(part, name, int, "model: ", default=default)
    if not 0 < value <= 1000:
        raise ValueError(f'model: "{name}" is {value}, outside 1 .. 1000')
    return value


# ------------------------------------------------------------------------------------------------------- normalizers

_GROWTH = {"NFC": 3, "NFD": 4, "NFKC": 18, "NFKD": 18, "Lowercase": 2, "BertNormalizer": 12}  # per code point, at most
_PLAIN = {name: getattr(normalizers, name) for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")}


def read_normalizer(part: Any, depth: int = 0) -> Normalizer:
    """The normalizer that `part` describes; null is one that leaves text as it is."""
    if part is None:
        return KEEP
    where = "normalizer: "
    kind = _type(part, "normalizer")
    if kind in _PLAIN:
        plain: Normalizer = _PLAIN[kind]()
        return plain
    if kind == "Replace":
        pattern = entry(part, "pattern", dict, where)
        if pattern.keys() != {"String"} or not _string(pattern, "String", "normalizer"):
            raise ValueError("normalizer: a Replace is known of a string alone, not of a regular expression")
        return Replace(pattern["String"], _string(part, "content", "normalizer"))
    if kind == "Prepend":
        return Prepend(_string(part, "prepend", "normalizer"))
    if kind == "BertNormalizer":
        return BertNormalizer(
            clean_text=entry(part, "clean_text", bool, where),
            handle_chinese_chars=entry(part, "handle_chinese_chars", bool, where),
            strip_accents=entry(part, "strip_accents", (bool, _NULL), where, default=None),
            lowercase=entry(part, "lowercase", bool, where),
        )
    if kind == "Precompiled":
        try:
            blob = base64.b64decode(entry(part, "precompiled_charsmap", str, where), validate=True)
        except ValueError:
            raise ValueError("normalizer: the precompiled charsmap is not base64") from None
        return Precompiled(blob)
    if kind == "Sequence" and depth == 0:
        steps = tuple(read_normalizer(each, depth + 1) for each in _members(part, "normalizers", "normalizer"))
        if (growth := math.prod(map(_growth, steps))) > MAX_GROWTH:
            raise ValueError(f"normalizer: its steps make text up to {growth} times as long, more than {MAX_GROWTH}")
        return normalizers.Sequence(steps)
    raise ValueError(f"normalizer: {kind[:40]!r} is not known here")


def _growth(normalizer: Normalizer) -> int:
    """How many times as long a text can become."""
    if isinstance(normalizer, Replace):
        return max(1, -(-len(normalizer.content) // len(normalizer.pattern)))
    return normalizer.longest if isinstance(normalizer, Precompiled) else _GROWTH.get(type(normalizer).__name__, 1)


def write_normalizer(normalizer: Normalizer) -> dict[str, Any] | None:
    """What `read_normalizer` reads."""
    if normalizer == KEEP:
        return None
    kind = type(normalizer).__name__
    if isinstance(normalizer, normalizers.Sequence):
        return {"type": kind, "normalizers": [write_normalizer(each) for each in normalizer.normalizers]}
    if isinstance(normalizer, Replace):
        return {"type": kind, "pattern": {"String": normalizer.pattern}, "content": normalizer.content}
    if isinstance(normalizer, Precompiled):
        return {"type": kind, "precompiled_charsmap": base64.b64encode(normalizer.precompiled_charsmap).decode()}
    fields = ("prepend", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return {"type": kind, **{name: getattr(normalizer, name) for name in fields if hasattr(normalizer, name)}}


# ------------------------------------------------------------------------------------------------ how words are cut

# How published files write the patterns of `splitting`; the first of a name is what is written. The very end of a text
# is spelled so that every library means the same by it: to some, `$` is the end of a line.
_LLAMA3 = r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CAPITALS, _SMALL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PATTERNS = {
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)" + _LLAMA3: "llama3",
    r"'(?i:[sdmt]|ll|ve|re)" + _LLAMA3: "llama3",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?![\s\S])|\s*[\r\n]"
    r"|\s+(?!\S)|\s": "cl100k",
    rf"[^\r\n\p{{L}}\p{{N}}]?{_CAPITALS}*{_SMALL}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_CAPITALS}+{_SMALL}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+": "o200k",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|\p{Han}|[^\r\n\p{L}\p{N}\p{Han}]?[^\P{L}\p{Han}]+|[^\P{N}\p{Han}]{1,3}"
    r"| ?[^\s\p{L}\p{N}\p{Han}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+": "han",
}
BYTE_DECODER = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}


def published_pattern(name: str) -> str:
    """The regular expression that other libraries write for the split pattern called `name`."""
    return next(regex for regex, each in _PATTERNS.items() if each == split_pattern(name).name)


def read_byte_split(part: Any) -> tuple[str, bool]:
    """The split pattern's name and whether a space is put first, of a ByteLevel or of Split and ByteLevel."""
    what = "pre_tokenizer"
    kind = _type(part, what)
    steps = _members(part, "pretokenizers", what) if kind == "Sequence" else [part]
    kinds = [_type(step, what) for step in steps]
    if kinds not in (["ByteLevel"], ["Split", "ByteLevel"]):
        raise ValueError(f"{what}: of BPE ByteLevel is known, alone or after Split, not {' and '.join(kinds)[:80]}")
    space = entry(steps[-1], "add_prefix_space", bool, f"{what}: ", default=True)
    if entry(steps[-1], "use_regex", bool, f"{what}: ", default=True) != (len(steps) == 1):
        raise ValueError(f"{what}: ByteLevel splits by itself alone, and does not after Split")
    if len(steps) == 1:
        return "gpt2", space
    split = steps[0]
    pattern = entry(split, "pattern", dict, f"{what}: ").get("Regex")
    if not isinstance(pattern, str) or pattern not in _PATTERNS:
        raise ValueError(f"{what}: an unknown split pattern, {str(pattern)[:60]!r}; known: {', '.join(_known())}")
    if entry(split, "behavior", str, f"{what}: ") not in ("Isolated", "Removed") or space:
        raise ValueError(f"{what}: only Split that isolates words, and no space put before them, is known here")
    inverted = entry(split, "invert", bool, f"{what}: ", default=False)
    if inverted != (split["behavior"] == "Removed"):
        raise ValueError(f"{what}: this Split would throw away the words, or keep what is between them")
    return _PATTERNS[pattern], False


def _known() -> list[str]:
    return sorted(set(_PATTERNS.values()))


def write_byte_split(pattern: str, add_prefix_space: bool) -> dict[str, Any]:
    """What `read_byte_split` reads."""
    level = {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": False}
    if pattern == "gpt2":
        return level | {"use_regex": True}
    if add_prefix_space:
        raise ValueError(f"a space before the text is not written for the split pattern {pattern!r}, only for gpt2's")
    split = {"type": "Split", "pattern": {"Regex": published_pattern(pattern)}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, level | {"use_regex": False}]}


def check_bert_words(part: Any) -> None:
    """Raises ValueError unless words are cut as BERT's."""
    if (kind := _type(part, "pre_tokenizer")) != "BertPreTokenizer":
        raise ValueError(f"pre_tokenizer: {kind[:40]!r} is not known here for WordPiece, only BertPreTokenizer")


def read_metaspace(part: Any) -> Metaspace:
    """Metaspace alone, or after WhitespaceSplit."""
    what = "pre_tokenizer"
    steps = _members(part, "pretokenizers", what) if _type(part, what) == "Sequence" else [part]
    kinds = [_type(step, what) for step in steps]
    if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise ValueError(f"{what}: {' and '.join(kinds)[:80]!r} is not known here for Unigram, only Metaspace")
    step = steps[-1]
    replacement = entry(step, "replacement", str, f"{what}: ")
    if len(replacement) != 1:
        raise ValueError(f'{what}: "replacement" is not one character')
    prefix = entry(step, "add_prefix_space", bool, f"{what}: ", default=True)  # what files before the schemes had
    scheme = entry(step, "prepend_scheme", str, f"{what}: ", default="always" if prefix else "never")
    if scheme not in ("always", "first", "never"):
        raise ValueError(f'{what}: "prepend_scheme" is {scheme[:40]!r}')
    split = entry(step, "split", bool, f"{what}: ", default=True)
    return Metaspace(replacement, scheme, split, whitespace_split=len(steps) == 2)


def write_metaspace(metaspace: Metaspace) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `read_metaspace` reads, and the decoder to it."""
    step = {
        "type": "Metaspace",
        "replacement": metaspace.replacement,
        "prepend_scheme": metaspace.prepend_scheme,
        "split": metaspace.split,
    }
    if not metaspace.whitespace_split:
        return step, step
    return {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, step]}, step


def check_decoder(part: Any, kind: str) -> dict[str, Any]:
    """The decoder, which must be of this kind; null is taken for it."""
    if part is None:
        return {}
    if (found := _type(part, "decoder")) != kind:
        raise ValueError(f"decoder: {found[:40]!r} does not belong to this model, {kind} does")
    entry(part, "cleanup", bool, "decoder: ", default=True)
    decoder: dict[str, Any] = part
    return decoder


# --------------------------------------------------------------------------------------------------------- templates


def read_template(part: Any, id_of: Mapping[str, int]) -> Template:
    """The template of a post-processor; `id_of` has the added tokens, which are all that it may hold."""
    if part is None:
        return PLAIN
    what = "post_processor"
    kind = _type(part, what)
    if kind == "Sequence":
        steps = [each for each in _members(part, "processors", what) if _type(each, what) != "ByteLevel"]
        if len(steps) > 1 or any(step["type"] == "Sequence" for step in steps):
            raise ValueError(f"{what}: more than one step is not known here, but for ByteLevel")
        return read_template(steps[0], id_of) if steps else PLAIN
    if kind == "ByteLevel":
        return PLAIN
    if kind in ("BertProcessing", "RobertaProcessing"):
        ends = [part.get(name) for name in ("cls", "sep")]
        for end in ends:
            if not isinstance(end, list) or len(end) != 2 or type(end[0]) is not str or id_of.get(end[0]) != end[1]:
                raise ValueError(f'{what}: "cls" and "sep" are not each an added token and its id')
        (cls, _), (sep, _) = ends
        a, b, c, s = Part("$A"), Part("$B"), Part(cls), Part(sep)
        if kind == "RobertaProcessing":
            return Template((c, a, s), (c, a, s, s, b, s))
        return Template((c, a, s), (c, a, s, Part("$B", 1), Part(sep, 1)))
    if kind != "TemplateProcessing":
        raise ValueError(f"{what}: {kind[:40]!r} is not known here")
    for spelling, token in entry(part, "special_tokens", dict, f"{what}: ").items():
        if not isinstance(token, dict) or token.get("ids") != [id_of.get(spelling)]:
            raise ValueError(f"{what}: {spelling[:40]!r} is not an added token with its one id")
    single, pair = (tuple(_read_part(each) for each in _members(part, name, what)) for name in ("single", "pair"))
    template = Template(single, pair)
    for spelling in template.tokens:
        if spelling not in part["special_tokens"]:
            raise ValueError(f'{what}: {spelling[:40]!r} is not among its "special_tokens"')
    return template


def _read_part(part: Any) -> Part:
    what = "post_processor: a part of the template"
    if not isinstance(part, dict) or len(part) != 1 or not part.keys() <= {"SpecialToken", "Sequence"}:
        raise ValueError(f"{what} is neither a SpecialToken nor a Sequence")
    [(kind, inner)] = part.items()
    if not isinstance(inner, dict):
        raise ValueError(f"{what} is not an object")
    spelling, type_id = entry(inner, "id", str, f"{what}: "), entry(inner, "type_id", int, f"{what}: ")
    if not 0 <= type_id < 1 << 31:
        raise ValueError(f"{what}: token type {type_id} is out of range")
    if kind == "Sequence":
        if spelling not in ("A", "B"):
            raise ValueError(f"{what}: there are sequences A and B, not {spelling[:40]!r}")
        return Part(f"${spelling}", type_id)
    if spelling in ("$A", "$B"):
        raise ValueError(f"{what}: a special token {spelling!r} is not known here")
    return Part(spelling, type_id)


def write_template(template: Template, id_of: Mapping[str, int]) -> dict[str, Any]:
    """What `read_template` reads."""

    def part(part: Part) -> dict[str, Any]:
        if part.content in ("$A", "$B"):
            return {"Sequence": {"id": part.content[1:], "type_id": part.type_id}}
        return {"SpecialToken": {"id": part.content, "type_id": part.type_id}}

    return {
        "type": "TemplateProcessing",
        "single": [part(each) for each in template.single],
        "pair": [part(each) for each in template.pair],
        "special_tokens": {
            spelling: {"id": spelling, "ids": [id_of[spelling]], "tokens": [spelling]} for spelling in template.tokens
        },
    }
