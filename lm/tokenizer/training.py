"""Learning the merges of byte-pair encoding from text.

The rule is that of Hugging Face's `tokenizers`, merge for merge (its BpeTrainer, ByteLevel alphabet and split): join
the pair that occurs most often; of equals the one with the smallest (left id, right id). Two things differ: no token
gets longer than `MAX_TOKEN_BYTES`, and a merge that happens to spell a special token gets an id of its own, since
ordinary text must never give a special token's.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

from lm.tokenizer.bpe import BYTE_ORDER, MAX_TOKEN_BYTES, MAX_VOCAB_SIZE, BPETokenizer
from lm.tokenizer.splitting import as_text, split_pattern, word_bytes


def train_bpe(
    texts: str | bytes | Iterable[str | bytes],
    vocab_size: int,
    *,
    special_tokens: Sequence[str] = (),
    min_frequency: int = 2,
    pattern: str = "gpt2",
    progress: Callable[[int, int], None] | None = None,
) -> BPETokenizer:
    """A `BPETokenizer` of `vocab_size` ids: the special tokens, 256 bytes, then the merges learnt from `texts`.

    Args:
        texts: one text, or an iterable of texts. A word never goes on from one text to the next. Hugging Face feeds
            a file line by line, the newline kept: ``open(path, newline="")`` gives the same merges here.
        vocab_size: at least 256 and the number of special tokens; ValueError below that or above `MAX_VOCAB_SIZE`.
        special_tokens: take the ids from 0. The text is not searched for them.
        min_frequency: no pair that occurs less often is merged.
        pattern: how text is split into words, a name from `splitting.PATTERN_NAMES`.
        progress: called after every merge with (merges learnt, merges wanted).

    Warns (UserWarning) with the size reached when the text gives fewer merges than asked for.

    Time and memory grow with the total length of the *distinct* words, also where a single word is a megabyte of
    junk; no token gets longer than `MAX_TOKEN_BYTES`.

    >>> tokenizer = train_bpe("low lower lowest", 259, special_tokens=["<|endoftext|>"])
    >>> [tokenizer.token_bytes(id) for id in tokenizer.encode("slow lows")]
    [b's', b'low', b' ', b'low', b's']
    """
    if isinstance(special_tokens, str) or len(set(special_tokens)) < len(special_tokens):
        raise ValueError(f"special_tokens must be distinct strings, got {special_tokens!r}")
    smallest = len(BYTE_ORDER) + len(special_tokens)
    if not smallest <= vocab_size <= MAX_VOCAB_SIZE:
        raise ValueError(
            f"vocab_size {vocab_size} is outside {smallest} .. {MAX_VOCAB_SIZE}: "
            f"{len(BYTE_ORDER)} bytes and {len(special_tokens)} special tokens need an id each"
        )
    special_ids = {spelling: id for id, spelling in enumerate(special_tokens)}
    BPETokenizer([], special_tokens=special_ids, pattern=pattern)  # what it refuses, it should refuse before training

    words = count_words(texts, pattern)
    merges = learn_merges(words, vocab_size - smallest, min_frequency=min_frequency, progress=progress)
    shift = len(special_tokens)
    tokenizer = BPETokenizer(
        [(left + shift, right + shift) for left, right in merges], special_tokens=special_ids, pattern=pattern
    )
    if tokenizer.vocab_size < vocab_size:
        warnings.warn(
            f"the text gives a vocabulary of {tokenizer.vocab_size} ids, not {vocab_size}: after {len(merges)} merges "
            f"no pair is left that occurs {max(min_frequency, 1)} times and makes at most {MAX_TOKEN_BYTES} bytes",
            stacklevel=2,
        )
    return tokenizer


def count_words(texts: str | bytes | Iterable[str | bytes], pattern: str = "gpt2") -> Counter[bytes]:
    """How often each distinct word occurs in `texts`."""
    split = split_pattern(pattern)
    counts: Counter[str] = Counter()
    for text in (texts,) if isinstance(texts, str | bytes) else texts:
        for window in split.windows(as_text(text)):
            counts.update(split.words(window))
    return Counter({word_bytes(word): count for word, count in counts.items()})


def learn_merges(
    words: Mapping[bytes, int],
    num_merges: int,
    *,
    min_frequency: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[int, int]]:
    """The first `num_merges` merges that `words` (word to count) give, fewer when no pair is left.

    Ids here are those without special tokens: bytes in `BYTE_ORDER`, then the merges' results. All words lie one
    after another in one linked list of symbols, with a gap of one place between them; per pair there are its count
    and the places where it begins. A merge visits only those places, so all merges together take O(n log n) for n
    bytes of distinct words.
    """
    symbols, weights = _lay_out(words)
    before, after = list(range(-1, len(symbols) - 1)), list(range(1, len(symbols) + 1))
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    places: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for i in range(len(symbols) - 1):
        pair = symbols[i], symbols[i + 1]
        if _GAP not in pair:
            counts[pair] += weights[i]
            places[pair].append(i)

    lengths = [1] * len(BYTE_ORDER)
    merges: list[tuple[int, int]] = []
    # Counts in the heap are never too low, and one that is too high is corrected when its turn comes.
    heap = [(-count, pair) for pair, count in counts.items()]
    heapify(heap)
    while heap and len(merges) < num_merges:
        count, pair = heappop(heap)
        if -count != counts[pair]:
            if counts[pair] > 0:
                heappush(heap, (-counts[pair], pair))
            continue
        if -count < max(min_frequency, 1):
            break
        left, right = pair
        if lengths[left] + lengths[right] > MAX_TOKEN_BYTES:
            continue
        # The result is a token that was not there before: wherever the same bytes stand and no merge reaches across
        # their ends, the same merges have been made inside them, so they are this pair everywhere.
        new = len(lengths)
        lengths.append(lengths[left] + lengths[right])
        merges.append(pair)
        formed = set()
        for i in places.pop(pair):  # from left to right, as they were found: of "aaa" the first two are joined
            j = after[i]
            if symbols[i] != left or symbols[j] != right:
                continue
            h, k, weight = before[i], after[j], weights[i]
            symbols[i], symbols[j] = new, _GAP
            after[i], before[k] = k, i
            if symbols[h] != _GAP:
                counts[symbols[h], left] -= weight
                counts[symbols[h], new] += weight
                places[symbols[h], new].append(h)
                formed.add((symbols[h], new))
            if symbols[k] != _GAP:
                counts[right, symbols[k]] -= weight
                counts[new, symbols[k]] += weight
                places[new, symbols[k]].append(i)
                formed.add((new, symbols[k]))
        del counts[pair]
        for pair in formed:
            heappush(heap, (-counts[pair], pair))
        if progress is not None:
            progress(len(merges), num_merges)
    return merges


_GAP = -1


def _lay_out(words: Mapping[bytes, int]) -> tuple[list[int], list[int]]:
    """The symbols of all words, a gap before, between and after them, and at each symbol its word's count."""
    id_of_byte = bytes(BYTE_ORDER.index(byte) for byte in range(256))
    symbols, weights = [_GAP], [0]
    for word, count in words.items():
        symbols += word.translate(id_of_byte)
        symbols.append(_GAP)
        weights += [count] * len(word)
        weights.append(0)
    return symbols, weights
