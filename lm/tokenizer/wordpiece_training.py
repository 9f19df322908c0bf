"""Learning a WordPiece vocabulary from text, for BERT.

The rule is that of Hugging Face's `tokenizers` (its WordPieceTrainer): byte-pair encoding over characters, in which a
word's first character and the same character inside a word are two symbols. Of pairs that occur equally often the one
with the smaller ids is joined first. The library numbers its alphabet in an order that changes from run to run, and the
merges of equals with it; here it is sorted, so that the same text gives the same vocabulary.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

from lm.tokenizer.bpe import MAX_TOKEN_BYTES, MAX_VOCAB_SIZE
from lm.tokenizer.formats.bert import SPECIAL, bert_tokenizer
from lm.tokenizer.normalizers import BertNormalizer
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.wordpiece import WordPiece, bert_words

PREFIX = "##"
MAX_WORD = WordPiece.max_input_chars_per_word  # a longer word is `[UNK]` whatever the vocabulary


def train_wordpiece(
    texts: str | Iterable[str],
    vocab_size: int,
    *,
    normalizer: BertNormalizer | None = None,
    min_frequency: int = 2,
    limit_alphabet: int = 1000,
) -> Pipeline:
    """BERT's tokenizer with a vocabulary of `vocab_size` pieces: the special tokens, the characters, what was joined.

    Args:
        texts: one text, or an iterable of them.
        vocab_size: ValueError where the special tokens and the characters alone are more.
        normalizer: how text is cleaned, here and by the tokenizer; BERT's uncased one if not given.
        min_frequency: no pair that occurs less often is joined.
        limit_alphabet: the most frequent characters that get a piece of their own; words with others become
            ``[UNK]``.

    Warns (UserWarning) with the size reached when the text gives fewer pieces than asked for.

    >>> tokenizer = train_wordpiece("low lower lowest slow", 22)
    >>> [tokenizer.decode([id]) for id in tokenizer.encode("Lowest slower")]
    ['lowe', '##s', '##t', 's', '##l', '##ow', '##e', '##r']
    """
    normalizer = BertNormalizer() if normalizer is None else normalizer
    words: Counter[str] = Counter()
    for text in (texts,) if isinstance(texts, str) else texts:
        words.update(bert_words(normalizer(text)))
    pieces = learn_pieces(words, vocab_size, min_frequency=min_frequency, limit_alphabet=limit_alphabet)
    if len(pieces) < vocab_size:
        warnings.warn(
            f"the text gives a vocabulary of {len(pieces)} pieces, not {vocab_size}: no pair is left that occurs "
            f"{max(min_frequency, 1)} times",
            stacklevel=2,
        )
    return bert_tokenizer({piece: id for id, piece in enumerate(pieces)}, normalizer)


def learn_pieces(
    words: Mapping[str, int], vocab_size: int, *, min_frequency: int = 2, limit_alphabet: int = 1000
) -> list[str]:
    """The pieces that `words` (word to count) give, in order of their ids."""
    frequency: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            frequency[character] += count
    kept = sorted(frequency, key=lambda character: (-frequency[character], character))[:limit_alphabet]
    known = frozenset(kept)
    split = {
        word: [word[0], *(PREFIX + character for character in word[1:])]
        for word in words
        if len(word) <= MAX_WORD and known.issuperset(word)
    }
    alphabet = {symbol for symbols in split.values() for symbol in symbols} | set(kept)
    pieces = [*SPECIAL, *sorted(alphabet, key=lambda symbol: (symbol.startswith(PREFIX), symbol))]
    if not len(pieces) <= vocab_size <= MAX_VOCAB_SIZE:
        raise ValueError(
            f"vocab_size {vocab_size} is outside {len(pieces)} .. {MAX_VOCAB_SIZE}: {len(SPECIAL)} special tokens and "
            f"{len(alphabet)} characters, at the beginning of words and inside them, need a piece each"
        )
    return _join(pieces, [(symbols, words[word]) for word, symbols in split.items()], vocab_size, min_frequency)


def _join(pieces: list[str], split: Sequence[tuple[list[str], int]], vocab_size: int, min_frequency: int) -> list[str]:
    """`pieces` and, behind them, what joining the most frequent pair again and again makes of the words."""
    id_of = {piece: id for id, piece in enumerate(pieces)}
    words = [([id_of[symbol] for symbol in symbols], count) for symbols, count in split]
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)  # the words that have, or had, a pair
    for number, (ids, count) in enumerate(words):
        for pair in pairwise(ids):
            counts[pair] += count
            where[pair].add(number)

    heap = [(-count, pair) for pair, count in counts.items()]  # counts are never too low in it
    heapify(heap)
    while heap and len(pieces) < vocab_size:
        count, pair = heappop(heap)
        if -count != counts[pair]:
            if counts[pair] > 0:
                heappush(heap, (-counts[pair], pair))
            continue
        if -count < max(min_frequency, 1):
            break
        joined = pieces[pair[0]] + pieces[pair[1]].removeprefix(PREFIX)
        if len(joined.encode()) > MAX_TOKEN_BYTES:
            continue
        new = id_of.setdefault(joined, len(pieces))  # two ways to spell one piece give it once
        if new == len(pieces):
            pieces.append(joined)
        changed = set()
        for number in where.pop(pair):
            ids, count = words[number]
            for each in pairwise(ids):
                counts[each] -= count
            ids = _joined(ids, pair, new)
            words[number] = ids, count
            for each in pairwise(ids):
                counts[each] += count
                where[each].add(number)
                if new in each:
                    changed.add(each)
        for each in changed:
            heappush(heap, (-counts[each], each))
    return pieces


def _joined(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    """`ids` with each `pair` in it, from left to right, replaced by `new`."""
    out: list[int] = []
    at = 0
    while at < len(ids):
        if ids[at] == pair[0] and at + 1 < len(ids) and ids[at + 1] == pair[1]:
            out.append(new)
            at += 2
        else:
            out.append(ids[at])
            at += 1
    return out
