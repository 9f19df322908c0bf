import random
from collections import Counter
from itertools import pairwise

import pytest

from lm.tokenizer import train_wordpiece
from lm.tokenizer.formats.bert import SPECIAL
from lm.tokenizer.normalizers import BertNormalizer
from lm.tokenizer.wordpiece import WordPiece, bert_words
from lm.tokenizer.wordpiece_training import learn_pieces


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b\u3000c\n", ["a", "b", "c"]),
        ("it's 5$.", ["it", "'", "s", "5", "$", "."]),
        ("——。", ["—", "—", "。"]),
        ("a\x1cb", ["a\x1cb"]),
        ("€+", ["€", "+"]),  # a symbol of ASCII is apart, another is a word like any
        ("€x", ["€x"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert bert_words(text) == words


VOCABULARY = {piece: id for id, piece in enumerate(["[UNK]", "un", "##aff", "##able", "##a", "a", "##ffab", "able"])}


def test_pieces_are_the_longest_from_the_left():
    model = WordPiece(VOCABULARY)
    assert model.encode("unaffable able a") == [1, 2, 3, 7, 5]
    assert model.encode("unable unaa") == [1, 3, 1, 4, 4]


def test_a_word_that_cannot_be_cut_is_unknown_as_a_whole():
    model = WordPiece(VOCABULARY)
    assert model.encode("unx unaffa x") == [0, 1, 2, 4, 0]
    assert model.encode("a" + "a" * 99) == [5] + [4] * 99 and model.encode("a" + "a" * 100) == [0]
    assert WordPiece(VOCABULARY, max_input_chars_per_word=3).encode("unaa una") == [0, 1, 4]


def test_special_tokens_are_reached_by_no_text():
    model = WordPiece({"[UNK]": 0, "CLS": 1, "x": 2}, unreachable=frozenset(["CLS"]))
    assert model.encode("CLS x") == [0, 2]


def test_decoding_joins_pieces_and_cleans_up():
    model = WordPiece({piece: id for id, piece in enumerate(["[UNK]", "do", "not", "##ing", "'", "s", "!", "##x"])})
    assert model.decode([1, 3, 6], {}) == b"doing!"
    assert model.decode([7, 1, 4, 5], {}) == b"##x do ' s"
    assert WordPiece(model.vocabulary, cleanup=False).decode([1, 6], {}) == b"do !"


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("lm.tokenizer.wordpiece.CACHED_WORDS", 10)
    model = WordPiece(VOCABULARY)
    for number in range(35):
        model.encode(f"{number} {'x' * 300}")
    assert len(model._words) <= 10 and all(len(word) < 10 for word in model._words)


def test_a_vocabulary_needs_its_unknown_token():
    with pytest.raises(ValueError, match=r"does not have '\[UNK\]'"):
        WordPiece({"a": 0})


# ---------------------------------------------------------------------------------------------------------- training


def by_definition(words, vocab_size, min_frequency):
    """Counts every pair anew before each merge."""
    split = {word: [word[0], *("##" + c for c in word[1:])] for word in words}
    alphabet = {symbol for symbols in split.values() for symbol in symbols} | {c for word in words for c in word}
    pieces = [*SPECIAL, *sorted(alphabet, key=lambda s: (s.startswith("##"), s))]
    while len(pieces) < vocab_size:
        counts = Counter()
        for word, symbols in split.items():
            for pair in pairwise(symbols):
                counts[pair] += words[word]
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pieces.index(pair[0]), pieces.index(pair[1])))
        if counts[best] < min_frequency:
            break
        joined = best[0] + best[1].removeprefix("##")
        if joined not in pieces:
            pieces.append(joined)
        for word, symbols in split.items():
            out = []
            while symbols:
                size = 2 if tuple(symbols[:2]) == best else 1
                out.append(joined if size == 2 else symbols[0])
                symbols = symbols[size:]
            split[word] = out
    return pieces


def test_pieces_learnt_are_those_of_the_definition():
    rng = random.Random(0)
    for _ in range(60):
        words = {"".join(rng.choices("aab", k=rng.randrange(1, 9))): rng.randrange(1, 5) for _ in range(12)}
        least = len(by_definition(words, 0, 1))
        size, min_frequency = least + rng.randrange(20), rng.randrange(4)
        assert learn_pieces(words, size, min_frequency=min_frequency) == by_definition(
            words, size, max(min_frequency, 1)
        )


def test_training_gives_the_same_each_time_and_what_it_learnt_encodes():
    text = "Low lower lowest, slow slower. 北京 北京"
    one, other = (train_wordpiece([text], 25) for _ in range(2))
    assert one.model == other.model and one.vocab_size == 25
    assert one.decode(one.encode("SLOWER lowest 北")) == "slower lowest 北"
    assert list(one.special_tokens) == list(SPECIAL)


def test_training_keeps_capitals_if_told():
    tokenizer = train_wordpiece("Low Löw Low Löw", 15, normalizer=BertNormalizer(lowercase=False))
    assert tokenizer.decode(tokenizer.encode("Löw low")) == "Löw [UNK]"


def test_rare_characters_get_no_piece():
    tokenizer = train_wordpiece("aa aa aa bb bb c", 9, limit_alphabet=2)
    assert tokenizer.encode("aa c") == [tokenizer.model.vocabulary["a"], tokenizer.model.vocabulary["##a"], 1]


def test_words_that_could_not_be_encoded_are_not_learnt_from():
    with pytest.warns(UserWarning, match="8 pieces, not 20"):
        tokenizer = train_wordpiece(["x " + "ab" * 100] * 5, 20, limit_alphabet=3)
    assert tokenizer.vocab_size == 8


def test_too_small_a_vocabulary_is_an_error_and_too_large_a_one_a_warning():
    with pytest.raises(ValueError, match=r"vocab_size 6 is outside 8 \.\. .*: 5 special tokens and 3 characters"):
        train_wordpiece("ab ab", 6)
    with pytest.warns(UserWarning, match="gives a vocabulary of 9 pieces, not 50: no pair is left that occurs 2 times"):
        train_wordpiece("ab ab", 50)
