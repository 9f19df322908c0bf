"""The words of `splitting`'s patterns in long texts, by table and array instead of by regular expression.

Every character gets a class from a table. What the classes of two neighbours say about the place between them is a
table too, one for each pattern. Where it would take a look further away than that, the regular expression itself is
asked about the stretch around the place. So the words are those of the pattern, whatever the text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import accumulate

import numpy as np
import regex
from numpy.typing import NDArray

from lm.tokenizer.splitting import split_pattern

Bools = NDArray[np.bool_]
Classes = NDArray[np.uint8]
Places = NDArray[np.intp]

# Classes of characters. An EDGE stands before and after each text; BLANK is white space of other kinds than SPACE and
# LINE_END (CR and LF), CAPITAL \p{Lu} and \p{Lt}, UNCASED \p{Lm} and \p{Lo}, SYMBOL what is nothing else. Han
# characters have classes of their own in place of UNCASED, MARK, NUMBER and SYMBOL.
EDGE, SPACE, BLANK, LINE_END, CAPITAL, SMALL, UNCASED, HAN_LETTER, MARK, HAN_MARK = range(10)
NUMBER, HAN_NUMBER, SYMBOL, HAN_SYMBOL, APOSTROPHE, SLASH = range(10, 16)
_WHITE = {SPACE, BLANK, LINE_END}
_LETTERS = {CAPITAL, SMALL, UNCASED, HAN_LETTER}
_MARKS = {MARK, HAN_MARK}
_NUMBERS = {NUMBER, HAN_NUMBER}
_HAN = {HAN_LETTER, HAN_MARK, HAN_NUMBER, HAN_SYMBOL}
_SYMBOLS = {MARK, HAN_MARK, SYMBOL, HAN_SYMBOL, APOSTROPHE, SLASH}

# What a pair of neighbours says about the second: whether a word begins there.
NO, YES = 0, 1
UNLESS_BEFORE = 2  # no if a word begins at the first of the pair, else yes
LOOK_AHEAD = 3  # both are white space: yes if the next character is none
ASK = 4  # ask the regular expression


def word_starts(text: str, pattern: str, edges: Places | None = None) -> Places:
    """Where the words of `text` begin, in characters, in order.

    `edges` are the places of NUL characters that stand between texts, in order. Each is a word of its own, and
    nothing on one side of it depends on what is on the other.

    >>> word_starts("It's 2 o'clock", "gpt2").tolist()
    [0, 2, 4, 6, 8, 9]
    """
    classes = np.full(len(text) + 2, EDGE, np.uint8)
    classes[1:-1] = classes_of(text)
    if edges is not None:
        classes[edges + 1] = EDGE
    before, here, after = classes[:-2], classes[1:-1], classes[2:]  # each (characters,)
    rule = _RULES[pattern]
    contracted = _mark_contractions(text, before, here) if rule.contractions_end_words else []
    verdicts = np.frombuffer((before << 4 | here).tobytes().translate(rule.table), np.uint8)
    begins = verdicts == YES
    begins[1:] |= (verdicts[1:] == UNLESS_BEFORE) & ~begins[:-1]
    begins |= (verdicts == LOOK_AHEAD) & (after > LINE_END)
    begins[contracted] = False
    if not rule.contractions_end_words:
        _cut_contractions(text, begins, here, rule.contractions)
    if rule.digits:
        _cut_numbers(begins, here, rule.digits)
    doubtful = np.flatnonzero(verdicts == ASK)
    if len(doubtful):
        _ask(text, pattern, begins, doubtful, _surely_begins(before, here, contracted))
    if rule.last_white_is_one:
        _join_last_white(begins, here, after)
    return np.flatnonzero(begins)


def classes_of(text: str) -> Classes:
    """The class of each character of `text`."""
    try:
        return np.frombuffer(text.encode("latin-1").translate(_latin1_table()), np.uint8)
    except UnicodeEncodeError:
        return _table().take(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"))


def byte_offsets(text: str, lone_is_byte: bool = True) -> Places:
    """Where each character of `text` begins in its bytes; one place more, for the end. A lone surrogate
    stands for one byte, as in `as_text`, or for the three of its own."""
    code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    sizes = (code_points >= 0x80).astype(np.uint8)  # of each character, but for the first byte
    sizes += code_points >= 0x800
    sizes += code_points >= 0x10000
    if lone_is_byte:
        sizes[(code_points & ~np.uint32(0x7F)) == 0xDC80] = 0
    offsets = np.empty(len(text) + 1, np.intp)
    offsets[0] = 0
    np.cumsum(sizes, out=offsets[1:])
    offsets[1:] += np.arange(1, len(text) + 1)
    return offsets


@cache
def _latin1_table() -> bytes:
    return _find_classes(range(256)).tobytes()


@cache
def _table() -> Classes:
    """Class by code point."""
    table = np.full(0x110000, SYMBOL, np.uint8)
    # Elsewhere there are no characters (and private ones).
    for plane in (range(0x40000), range(0xE0000, 0xE1000)):
        table[plane.start : plane.stop] = _find_classes(plane)
    return table


def _find_classes(code_points: range) -> Classes:
    """The classes of consecutive characters, as the installed `regex` has them."""
    characters = "".join(map(chr, code_points))
    classes = np.full(len(characters), SYMBOL, np.uint8)
    for source, number in [
        (r"[\p{Lu}\p{Lt}]", CAPITAL),
        (r"\p{Ll}", SMALL),
        (r"[\p{Lm}\p{Lo}]", UNCASED),
        (r"\p{M}", MARK),
        (r"\p{N}", NUMBER),
        (r"\s", BLANK),
        (r" ", SPACE),
        (r"[\r\n]", LINE_END),
        (r"'", APOSTROPHE),
        (r"/", SLASH),
        (r"[\p{Han}&&\p{L}]", HAN_LETTER),
        (r"[\p{Han}&&\p{N}]", HAN_NUMBER),
        (r"[\p{Han}&&\p{M}]", HAN_MARK),
        (r"[\p{Han}--[\p{L}\p{M}\p{N}]]", HAN_SYMBOL),
    ]:
        for run in regex.finditer(f"(?V1){source}+", characters):
            classes[run.start() : run.end()] = number
    return classes


class _Rule:
    """A pattern's verdict for every pair of classes, and what else it does."""

    def __init__(
        self,
        verdict: Callable[[int, int], int],
        contractions: frozenset[str],
        *,
        contractions_end_words: bool = False,
        digits: int = 0,
        last_white_is_one: bool = False,
    ) -> None:
        pairs = [(before, here) for before in range(16) for here in range(16)]
        self.table = bytes(YES if EDGE in pair else verdict(*pair) for pair in pairs)  # at before << 4 | here
        self.contractions = contractions
        self.contractions_end_words = contractions_end_words
        self.digits = digits
        self.last_white_is_one = last_white_is_one


def _gpt2(before: int, here: int) -> int:
    if here in _WHITE:
        return LOOK_AHEAD if before in _WHITE else YES  # all white space but its last character is one word
    if before == SPACE:
        return NO
    return NO if any({before, here} <= kind for kind in (_LETTERS, _NUMBERS, _SYMBOLS)) else YES


def _cl100k(before: int, here: int) -> int:
    if here in _WHITE:
        if here == LINE_END:  # goes with symbols and line ends before it, and with white space before the latter
            return NO if before in _SYMBOLS | {LINE_END} else ASK if before in _WHITE else YES
        return LOOK_AHEAD if before in (SPACE, BLANK) else YES
    if here in _LETTERS:
        if before in _SYMBOLS:
            return UNLESS_BEFORE
        return NO if before in _LETTERS | {SPACE, BLANK} else YES
    if here in _SYMBOLS:
        return NO if before in _SYMBOLS | {SPACE} else YES
    return NO if before in _NUMBERS else YES


def _o200k(before: int, here: int) -> int:
    word = _LETTERS | _MARKS
    if here in word and before in word:
        # Small letters end where a capital comes. After an uncased letter or a mark, a capital may go on with it.
        return NO if here != CAPITAL or before == CAPITAL else YES if before == SMALL else ASK
    if here in _MARKS:
        return ASK if before in _SYMBOLS else NO if before in (SPACE, BLANK) else YES
    if here == SLASH and before == LINE_END:
        return ASK
    if before in _MARKS:
        return YES
    return _cl100k(before, here)


def _han(before: int, here: int) -> int:
    if here in _HAN:
        return YES
    # After a Han character begins what begins after a number, and the other way round for numbers.
    return _cl100k(before if before not in _HAN else CAPITAL if here in _NUMBERS else NUMBER, here)


_SINGLE, _DOUBLE = "sdmt", ("ll", "ve", "re")
_SMALL_CONTRACTIONS = frozenset([*_SINGLE, *_DOUBLE])
_CONTRACTIONS = frozenset(
    [*_SINGLE, *_SINGLE.upper(), "ſ"]
    + [
        first + second
        for double in _DOUBLE
        for first in (double[0], double[0].upper())
        for second in (double[1], double[1].upper())
    ]
)
_RULES = {
    "gpt2": _Rule(_gpt2, _SMALL_CONTRACTIONS),
    "cl100k": _Rule(_cl100k, _CONTRACTIONS, digits=3, last_white_is_one=True),
    "llama3": _Rule(_cl100k, _CONTRACTIONS, digits=3),
    "o200k": _Rule(_o200k, _CONTRACTIONS, contractions_end_words=True, digits=3),
    "han": _Rule(_han, _CONTRACTIONS, digits=3),
}


def _contraction(text: str, at: int, contractions: frozenset[str]) -> int:
    """How many characters the contraction at an apostrophe has, 0 if there is none."""
    return 2 if text[at + 1 : at + 2] in contractions else 3 if text[at + 1 : at + 3] in contractions else 0


def _cut_contractions(text: str, begins: Bools, here: Classes, contractions: frozenset[str]) -> None:
    """Contractions are words of their own, where a word begins at the apostrophe."""
    for at in np.flatnonzero((here == APOSTROPHE) & begins).tolist():
        if size := _contraction(text, at, contractions):
            begins[at + 1] = False
            begins[at + size : at + size + 1] = True


def _mark_contractions(text: str, before: Classes, here: Classes) -> list[int]:
    """The places of contractions after a letter or mark, to whose word they belong, but for one that follows another
    directly. For what comes after it, each of them is an edge."""
    places: list[int] = []
    end = -1
    for at in np.flatnonzero((here == APOSTROPHE) & (before >= CAPITAL) & (before <= HAN_MARK)).tolist():
        if at != end and (size := _contraction(text, at, _CONTRACTIONS)):
            end = at + size
            places += range(at, end)
    here[places] = EDGE
    return places


def _cut_numbers(begins: Bools, here: Classes, digits: int) -> None:
    """A word begins at every third (say) digit of a number, too."""
    goes_on = np.zeros(len(here) + 1, np.bool_)
    goes_on[:-1] = ((here == NUMBER) | (here == HAN_NUMBER)) & ~begins
    edges = np.flatnonzero(goes_on[1:] != goes_on[:-1]) + 1
    starts, ends = edges[::2] + digits - 1, edges[1::2]
    while len(starts):
        starts, ends = starts[starts < ends], ends[starts < ends]
        begins[starts] = True
        starts = starts + digits


def _join_last_white(begins: Bools, here: Classes, after: Classes) -> None:
    """White space at the end of a text is one word, but for line ends after a symbol, which are the symbol's."""
    ends = np.flatnonzero((after[1:] == EDGE) & _is_white(here[1:]) & _is_white(here[:-1])) + 2
    if not len(ends):
        return
    solid = np.append(-1, np.flatnonzero(~_is_white(here)))
    before = solid[np.searchsorted(solid, ends) - 1]  # the last character that is no white space, -1 if there is none
    not_line_ends = np.append(np.flatnonzero(here != LINE_END), len(here))
    for last, end in zip(before.tolist(), ends.tolist()):
        start = last + 1
        if last >= 0 and int(here[last]) in _SYMBOLS:
            start = min(int(not_line_ends[np.searchsorted(not_line_ends, start)]), end)
        begins[last + 1 : end] = False
        begins[start:end][:1] = True


def _is_white(classes: Classes) -> Bools:
    white: Bools = (classes >= SPACE) & (classes <= LINE_END)
    return white


def _surely_begins(before: Classes, here: Classes, contracted: list[int]) -> Bools:
    """Where a word begins whatever stands before: at an edge, and after a letter where nothing follows that a word may
    hold after a letter."""
    at_edge = here == EDGE
    at_edge[contracted] = False
    surely: Bools = (before >= CAPITAL) & (before <= HAN_LETTER)
    surely &= ((here < CAPITAL) | (here > HAN_MARK)) & (here != APOSTROPHE)
    surely |= before == EDGE
    surely[contracted] = False
    surely[[at + 1 for at in contracted if at + 1 < len(here)]] = False  # what looks like a contraction may be none
    surely |= at_edge
    return surely


def _ask(text: str, pattern: str, begins: Bools, doubtful: Places, surely: Bools) -> None:
    """Lets the regular expression cut the stretches around doubtful places, from one sure beginning to another."""
    cuts = np.append(np.flatnonzero(surely), len(text))
    stretches = np.unique(np.searchsorted(cuts, doubtful, side="right"))
    words = split_pattern(pattern).words
    for start, end in zip(cuts[stretches - 1].tolist(), cuts[stretches].tolist()):
        lengths = map(len, words(text[start:end]))
        begins[start:end] = False
        begins[list(accumulate(lengths, initial=start))[:-1]] = True
