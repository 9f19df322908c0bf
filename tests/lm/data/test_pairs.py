"""Next-sentence pairs: what follows what, how long they are, and how often they are what they are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.data.corpus import Tokens
from lm.data.pairs import IS_NEXT, IS_RANDOM, Pair, Sentences, draw_pair, join_pairs
from lm.data.text import DataError

END, SEPARATOR = 1, 0
ENDS = np.zeros(100_000, bool)
ENDS[END] = True


def make(documents):
    """Documents of sentences of so many tokens; every token is different but for END, which ends each sentence."""
    ids, fresh = [], 2
    for place, document in enumerate(documents):
        ids += [SEPARATOR] if place else []
        for length in document:
            ids += [*range(fresh, fresh + length - 1), END]
            fresh += length - 1
    return Tokens([np.array(ids, np.uint32)]), Sentences(Tokens([np.array(ids, np.uint32)]), ENDS, SEPARATOR)


lengths = st.lists(st.lists(st.integers(2, 12), min_size=1, max_size=8), min_size=1, max_size=4).filter(
    lambda documents: sum(map(len, documents)) >= 2
)


@given(lengths)
@settings(max_examples=60, deadline=None)
def test_sentences_are_where_they_end_and_of_their_documents(documents):
    _, sentences = make(documents)
    assert [len(sentences.read(s)) for s in range(len(sentences))] == [n for document in documents for n in document]
    assert sentences.documents.tolist() == [d for d, document in enumerate(documents) for _ in document]
    assert all(sentences.read(s)[-1] == END for s in range(len(sentences)))


@given(lengths, st.integers(4, 40), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_a_pair_fits_and_is_what_its_label_says(documents, length, seed):
    tokens, sentences = make(documents)
    pair = draw_pair(sentences, length, np.random.default_rng(seed))
    assert len(pair.first) >= 1 and len(pair.second) >= 1
    assert len(pair.first) + len(pair.second) <= length
    ids = tokens.window(0, len(tokens)).tolist()
    for part in (pair.first.tolist(), pair.second.tolist()):
        assert SEPARATOR not in part
        assert any(ids[i : i + len(part)] == part for i in range(len(ids)))
    own = [id for id in ids if id != END]

    def places(part):
        return [own.index(id) for id in part.tolist() if id != END]

    if pair.label == IS_NEXT and places(pair.first) and places(pair.second):
        assert places(pair.second)[0] > places(pair.first)[-1]


def test_half_are_random_and_those_are_of_other_documents():
    _, sentences = make([[6] * 40] * 5)
    pairs = [draw_pair(sentences, 50, np.random.default_rng(n)) for n in range(2000)]
    share = np.mean([pair.label == IS_RANDOM for pair in pairs])
    assert 0.5 - 0.05 < share < 0.5 + 0.1  # a little more: at the end of a document only one sentence may be left
    document = {id: d for s, d in enumerate(sentences.documents) for id in sentences.read(s).tolist() if id != END}
    for pair in pairs:
        first, second = ({document[id] for id in part.tolist() if id != END} for part in (pair.first, pair.second))
        assert (first == second) == (pair.label == IS_NEXT)


def test_a_tenth_are_short():
    _, sentences = make([[6] * 200] * 5)
    sizes = np.array(
        [
            len(p.first) + len(p.second)
            for p in (draw_pair(sentences, 60, np.random.default_rng(n), 0.1) for n in range(2000))
        ]
    )
    assert 0.06 < (sizes < 50).mean() < 0.16
    sizes = [
        len(p.first) + len(p.second)
        for p in (draw_pair(sentences, 60, np.random.default_rng(n), 0.0) for n in range(200))
    ]
    assert np.mean(np.array(sizes) < 50) < 0.1


def test_where_a_document_has_one_sentence_every_pair_is_random():
    _, sentences = make([[5], [6], [7]])
    assert {draw_pair(sentences, 30, np.random.default_rng(n)).label for n in range(50)} == {IS_RANDOM}


def test_in_a_single_document_what_is_random_is_not_what_follows():
    _, sentences = make([[5] * 60])
    for n in range(300):
        pair = draw_pair(sentences, 30, np.random.default_rng(n))
        if pair.label == IS_RANDOM:
            first, second = ([id for id in part.tolist() if id != END] for part in (pair.first, pair.second))
            assert not set(first) & set(second)
            assert second[0] != first[-1] + 1


def test_after_a_sentence_that_fills_the_length_what_is_random_is_not_the_next():
    _, sentences = make([[30] * 8])
    place = {id: s for s in range(len(sentences)) for id in sentences.read(s).tolist() if id != END}
    apart = set()
    for n in range(300):
        pair = draw_pair(sentences, 20, np.random.default_rng(n), 0.0)
        first, second = (place[next(id for id in part.tolist() if id != END)] for part in (pair.first, pair.second))
        assert pair.label == IS_RANDOM
        apart.add(second - first)
    assert not apart & {0, 1} and {-1, 2} <= apart


def test_the_longer_part_is_cut_and_from_both_ends():
    _, sentences = make([[30, 30, 30, 30]] * 3)
    begins = set()
    for n in range(200):
        pair = draw_pair(sentences, 20, np.random.default_rng(n), 0.0)
        assert abs(len(pair.first) - len(pair.second)) <= 1
        begins.add(int(pair.first[0]))
    assert len(begins) > 10 * 3


def test_a_joined_pair_is_berts_format():
    pairs = [Pair(np.array([7]), np.array([8, 9]), IS_NEXT), Pair(np.array([5, 6, 7]), np.array([8]), IS_RANDOM)]
    batch = join_pairs(pairs, 8, cls=1, sep=2, pad=0)
    assert batch["ids"].tolist() == [[1, 7, 2, 8, 9, 2, 0, 0], [1, 5, 6, 7, 2, 8, 2, 0]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1, 0]]
    assert batch["attention_mask"].tolist() == [[1] * 6 + [0] * 2, [1] * 7 + [0]]
    assert batch["next_sentence_label"].tolist() == [0, 1]


def test_zero_is_next():
    assert (IS_NEXT, IS_RANDOM) == (0, 1)


def test_a_text_of_one_sentence_is_refused():
    with pytest.raises(DataError, match="two sentences"):
        make([[5]])
