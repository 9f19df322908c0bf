import itertools
import random

import pytest

from lm.tokenizer.unigram import Metaspace, Unigram

UNKNOWN_PENALTY = 10.0


def all_ways(word):
    """Every way to cut `word` into parts."""
    for size in range(len(word)):
        for ends in itertools.combinations(range(1, len(word)), size):
            yield [word[a:b] for a, b in itertools.pairwise([0, *ends, len(word)])]


def score(model, parts):
    scores = dict(model.vocabulary)
    worst = min(scores.values()) - UNKNOWN_PENALTY
    total = 0.0
    for part in parts:
        if part not in scores and len(part) > 1:
            return float("-inf")
        total += scores.get(part, worst)
    return total


def test_the_best_of_all_ways_to_cut_is_found():
    rng = random.Random(0)
    for _ in range(300):
        pieces = {"".join(rng.choices("abc", k=rng.randrange(1, 4))): -rng.random() * 9 for _ in range(6)}
        model = Unigram([("<unk>", 0.0), *pieces.items()], unk_id=0)
        word = "".join(rng.choices("abcd", k=rng.randrange(1, 9)))
        best = max(score(model, way) for way in all_ways(word))
        found = model.best(word)
        assert "".join(found) == word
        parts = [part for piece in found for part in ([piece] if piece in pieces else piece)]
        assert score(model, parts) == pytest.approx(best)


def test_an_unknown_character_costs_ten_more_than_the_worst_piece():
    pieces = {"ab": -9.5, "cd": -9.5, "bcd": 0.0}
    assert Unigram([*pieces.items()]).best("abcd") == ["ab", "cd"]  # -19, against -19.5
    pieces["bcd"] = 0.6
    assert Unigram([*pieces.items()]).best("abcd") == ["a", "bcd"]


def test_unknown_characters_in_a_row_are_one_token():
    model = Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0)
    assert model.best("axyza") == ["a", "xyz", "a"] and model.pieces("axyza") == (1, 0, 1)


def test_without_a_token_for_the_unknown_it_is_an_error():
    with pytest.raises(ValueError, match="neither 'xy' nor a token for what is unknown"):
        Unigram([("a", -1.0)]).pieces("axy")


def test_special_tokens_are_reached_by_no_text():
    model = Unigram([("<unk>", 0.0), ("</s>", 0.0), ("s", -1.0)], unk_id=0, unreachable=frozenset(["</s>"]))
    assert model.encode("</s>") == [0, 2, 0]
    assert Unigram(model.vocabulary, unk_id=0).encode("</s>") == [0, 1]


@pytest.mark.parametrize(
    ("metaspace", "text", "first", "rest"),
    [
        (Metaspace(), "a  b ", ["▁a", "▁", "▁b", "▁"], ["▁a", "▁", "▁b", "▁"]),
        (Metaspace(), " a\tb", ["▁a\tb"], ["▁a\tb"]),
        (Metaspace(prepend_scheme="first"), "a b", ["▁a", "▁b"], ["a", "▁b"]),
        (Metaspace(prepend_scheme="never"), "a b", ["a", "▁b"], ["a", "▁b"]),
        (Metaspace(split=False), "a b", ["▁a▁b"], ["▁a▁b"]),
        (Metaspace(whitespace_split=True), " a\u3000b\n", ["▁a", "▁b"], ["▁a", "▁b"]),
        (Metaspace(prepend_scheme="first", whitespace_split=True), "a b", ["▁a", "b"], ["a", "b"]),
        (Metaspace(prepend_scheme="first", whitespace_split=True), " a", ["a"], ["a"]),
        (Metaspace(whitespace_split=True), "a\x1cb", ["▁a\x1cb"], ["▁a\x1cb"]),
        (Metaspace(replacement="_"), "a ▁b", ["_a", "_▁b"], ["_a", "_▁b"]),
    ],
)
def test_words_keep_their_white_space_as_a_mark(metaspace, text, first, rest):
    assert list(metaspace.words(text, at_start=True)) == first
    assert list(metaspace.words(text, at_start=False)) == rest


def test_pieces_become_text_without_the_first_space():
    assert Metaspace().text(["▁a", "▁b", "c"]) == "a bc"
    assert Metaspace(prepend_scheme="never").text(["▁a", "▁b"]) == " a b"


@pytest.mark.parametrize(
    ("pieces", "unk_id", "message"),
    [
        ([("a", 0.0), ("a", 0.0)], None, "'a' is there twice, as 0 and 1"),
        ([("a", float("nan"))], None, "score of piece 'a' is nan"),
        ([("a", float("-inf"))], None, "score of piece 'a' is -inf"),
        ([("a", 0.0)], 1, "unk_id 1 is outside the 1 pieces"),
        ([("a", 0.0)], -1, "unk_id -1 is outside"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(pieces, unk_id, message):
    with pytest.raises(ValueError, match=message):
        Unigram(pieces, unk_id=unk_id)


@pytest.mark.parametrize(("part", "size"), [("abax", 1_000), ("^", 20_000)])
def test_time_grows_with_the_length_of_a_word(part, size, time_ratio):
    model = Unigram([("<unk>", 0.0), ("ab", -1.0), ("a", -2.0), ("abab", -1.5)], unk_id=0)
    assert time_ratio(lambda n: model.encode(part * n), size, 8 * size, 16) <= 16


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("lm.tokenizer.unigram.CACHED_WORDS", 10)
    model = Unigram([("<unk>", 0.0), ("▁", -1.0)], unk_id=0)
    for number in range(35):
        model.encode(f"{number} {'x' * 300}")
    assert len(model._words) <= 10 and all(len(word) < 10 for word in model._words)
