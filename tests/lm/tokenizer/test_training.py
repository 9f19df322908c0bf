import io
import random
import warnings
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer import counting, train_bpe
from lm.tokenizer.bpe import BYTE_ORDER, MAX_TOKEN_BYTES, MAX_VOCAB_SIZE
from lm.tokenizer.counting import count_words
from lm.tokenizer.splitting import PATTERN_NAMES, split_pattern
from lm.tokenizer.training import learn_merges

from .conftest import EXPECTED
from .texts import PIECES, drawn_texts, texts

# Few letters, much repetition: overlapping pairs, ties and runs at every step.
repetitive = st.sampled_from(["ab", "abc", "a", "ab ", "-= ", "aé"]).flatmap(
    lambda letters: st.text(letters, max_size=80)
)


def train(*args, **options):
    """`train_bpe` where it does not matter whether the text gives enough merges."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return train_bpe(*args, **options)


def naive_merges(words, num_merges, min_frequency):
    """The textbook: count every pair anew for every merge."""
    rank = {byte: id for id, byte in enumerate(BYTE_ORDER)}
    segmented = {word: [rank[byte] for byte in word] for word in words}
    lengths = [1] * 256
    merges = []
    while len(merges) < num_merges:
        counts = Counter()
        for word, ids in segmented.items():
            for pair in pairwise(ids):
                if lengths[pair[0]] + lengths[pair[1]] <= MAX_TOKEN_BYTES:
                    counts[pair] += words[word]
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < min_frequency:
            break
        for ids in segmented.values():
            i = 0
            while i < len(ids) - 1:
                if (ids[i], ids[i + 1]) == best:
                    ids[i : i + 2] = [256 + len(merges)]
                i += 1
        lengths.append(lengths[best[0]] + lengths[best[1]])
        merges.append(best)
    return merges


@given(text=texts | repetitive, num_merges=st.integers(0, 60), min_frequency=st.integers(1, 4))
def test_merges_are_those_of_the_textbook(text, num_merges, min_frequency):
    words = count_words(text)
    learnt = learn_merges(words, num_merges, min_frequency=min_frequency)
    assert learnt == naive_merges(words, num_merges, min_frequency)


def test_ids_beyond_sixteen_bits_are_told_apart():
    words = {bytes([left, right]): 20 for left in range(182) for right in range(181)}
    late = [bytes([left, 181, 182 + left, 0]) for left in range(74)]
    words |= dict.fromkeys(late, 4) | dict.fromkeys([word[:2] for word in late], 5)
    made = [BYTE_ORDER[id : id + 1] for id in range(256)]
    for left, right in learn_merges(words, 1 << 16):
        made.append(made[left] + made[right])
    assert len(made) > (1 << 15) + 3 * 74
    assert sorted(made[-74:]) == late
    assert {word[2:] for word in late} == set(made[-148:-74]) and {word[:2] for word in late} == set(made[-222:-148])


def first_merges(texts, num_merges):
    """minbpe's rule on words: of the pairs that occur most often, the one that stands first."""
    segmented = [[BYTE_ORDER.index(byte) for byte in word] for word in texts]
    merges = []
    while len(merges) < num_merges:
        counts = Counter(pair for ids in segmented for pair in pairwise(ids))
        if not counts or max(counts.values()) < 2:
            break
        best = max(counts, key=counts.get)
        for ids in segmented:
            i = 0
            while i < len(ids) - 1:
                if (ids[i], ids[i + 1]) == best:
                    ids[i : i + 2] = [256 + len(merges)]
                i += 1
        merges.append(best)
    return merges


@given(text=texts | repetitive)
def test_ties_can_go_to_the_pair_that_stands_first(text):
    words = split_pattern("gpt2").words(text)
    expected = first_merges([word.encode() for word in words], 40)
    assert learn_merges(count_words(text), 40, tie="first") == expected


@given(st.lists(texts, max_size=6), st.sampled_from(PATTERN_NAMES))
def test_words_are_counted_text_by_text_in_the_order_they_come(many, pattern):
    expected = Counter()
    for text in [*many, "long " * 3000]:
        expected.update(word.encode() for word in split_pattern(pattern).words(text))
    counted = count_words([*many, "long " * 3000], pattern)
    assert list(counted.items()) == list(expected.items())


@pytest.mark.parametrize("processes", [1, 2])
def test_files_are_counted_line_by_line_in_shards(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(counting, "SHARD", 2_000)
    text = "".join(drawn_texts(3_000, seed=8)).encode("utf-8", "replace") + b"\xff\r\nend"
    paths = [tmp_path / "one", tmp_path / "two", tmp_path / "empty"]
    for path, content in zip(paths, (text, b"another\nfile", b"")):
        path.write_bytes(content)
    lines = io.BytesIO(text).readlines()
    expected = count_words([*lines, b"another\n", b"file", "a text"])
    counted = count_words([*paths, "a text"], processes=processes)
    assert list(counted.items()) == list(expected.items())
    assert train(paths[0], 300).merges == train(lines, 300).merges


def test_what_is_neither_text_nor_path_is_refused():
    for wrong in ([0], ["a", None], [b"a", ["b"]]):
        with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike object, not"):
            count_words(wrong)


def test_texts_that_cannot_be_joined_as_they_are_are_counted_alike():
    texts = ["a b\0", "\ud800 b", b"a\xff b", "c"]
    expected = Counter()
    for text in texts:
        expected += Counter(count_words(text))
    assert count_words(texts) == expected == count_words(iter(texts)) and expected[b" b"] == 3


def test_junk_words_are_counted_in_pieces_and_reported():
    junk = "x" * (2 * counting.LONGEST_WORD + 5)
    with pytest.warns(UserWarning, match=f"2 words of more than 65536 bytes, the longest of {len(junk)}"):
        counted = count_words([junk, "a", junk])
    assert {len(word): count for word, count in counted.items()} == {counting.LONGEST_WORD: 4, 5: 2, 1: 1}


@pytest.mark.parametrize("case", EXPECTED["cases"], ids=["text", "to the last pair", "lines"])
def test_merges_and_ids_are_those_of_hugging_face(case):
    tokenizer = train(
        case["units"],
        case["vocab_size"],
        special_tokens=case["special_tokens"],
        min_frequency=case["min_frequency"],
    )
    assert [list(pair) for pair in tokenizer.merges] == case["merges"]
    assert tokenizer.encode(EXPECTED["text"]) == case["ids"]


def test_merges_are_those_of_the_installed_hugging_face():
    pytest.importorskip("tokenizers")
    from .make_merges_expected import hugging_face

    rng = random.Random(0)
    for letters in ["ab", "abc", "a", "ab ", "-=", "aé的 ", " \n", PIECES]:
        for _ in range(15):
            units = ["".join(rng.choices(letters, k=rng.randrange(300))) for _ in range(rng.randrange(1, 4))]
            vocab_size, min_frequency = 256 + rng.randrange(200), rng.randrange(4)
            merges, theirs = hugging_face(units, vocab_size, [], min_frequency, max_token_length=MAX_TOKEN_BYTES + 1)
            ours = train(units, vocab_size, min_frequency=min_frequency)
            assert [list(pair) for pair in ours.merges] == merges
            assert all(ours.encode(unit) == theirs.encode(unit).ids for unit in units)


def test_ids_are_specials_then_bytes_in_gpt2_order_then_merges():
    tokenizer = train_bpe("hug hug hug", 260, special_tokens=["<|endoftext|>", "<|user|>"])
    assert tokenizer.special_tokens == {"<|endoftext|>": 0, "<|user|>": 1}
    assert [tokenizer.token_bytes(id) for id in (2, 3, 2 + 93, 2 + 94, 2 + 188, 2 + 220, 2 + 255)] == [
        b"!",
        b'"',
        b"~",
        b"\xa1",
        b"\x00",
        b" ",
        b"\xad",
    ]
    assert sorted(BYTE_ORDER) == list(range(256))
    assert tokenizer.token_bytes(258) == b"hu" or tokenizer.token_bytes(258) == b"ug"
    assert tokenizer.token_bytes(259) == b"hug"


def test_ties_go_to_the_smallest_ids():
    # "ab", "cd" and " e" occur twice each; "a" has the smallest id, and the space comes after the letters
    tokenizer = train_bpe(["cd", "cd", "ab", "ab", " e e"], 259)
    assert [tokenizer.token_bytes(id) for id in range(256, 259)] == [b"ab", b"cd", b" e"]


def test_words_do_not_join_across_texts():
    together, apart = train(["abab"], 258, min_frequency=1), train(["ab", "ab"], 258, min_frequency=1)
    assert together.token_bytes(257) == b"abab"
    assert apart.vocab_size == 257


def test_pairs_below_min_frequency_are_not_merged():
    with pytest.warns(UserWarning, match="no pair is left that occurs 3 times"):
        tokenizer = train_bpe(["aa", "aa", "bc", "bc", "bc"], 300, min_frequency=3)
    assert [tokenizer.token_bytes(id) for id in range(256, tokenizer.vocab_size)] == [b"bc"]


def test_too_few_merges_warn_with_the_size_reached():
    with pytest.warns(UserWarning, match="a vocabulary of 258 ids, not 1000: after 2 merges") as record:
        tokenizer = train_bpe("abc abc", 1000)
    assert tokenizer.vocab_size == 258
    assert record[0].filename == __file__
    with pytest.warns(UserWarning, match="a vocabulary of 256 ids, not 257"):
        assert train_bpe("", 257).vocab_size == 256


@pytest.mark.parametrize("vocab_size", [257, 256, 0, -1, MAX_VOCAB_SIZE + 1])
def test_vocab_size_out_of_range_is_named(vocab_size):
    with pytest.raises(ValueError, match=f"vocab_size {vocab_size} is outside 258"):
        train_bpe("text", vocab_size, special_tokens=["<|a|>", "<|b|>"])


def test_smallest_vocab_size_is_bytes_and_specials():
    tokenizer = train_bpe("text text", 258, special_tokens=["<|a|>", "<|b|>"])
    assert tokenizer.vocab_size == 258 and tokenizer.merges == ()


def test_bad_options_are_refused_before_the_text_is_read():
    def texts():
        raise AssertionError("the text was read")
        yield

    for options, message in [
        ({"special_tokens": ["<|a|>", "<|a|>"]}, "distinct"),
        ({"special_tokens": "abc"}, "distinct strings, got 'abc'"),
        ({"special_tokens": [""]}, "0 bytes"),
        ({"processes": 0}, "processes is 0"),
        ({"tie": "last"}, 'tie is "hf" or "first", not \'last\''),
        ({"pattern": "gpt5"}, "unknown split pattern 'gpt5'"),
    ]:
        with pytest.raises(ValueError, match=message):
            train_bpe(texts(), 300, **options)


def test_a_merge_that_spells_a_special_token_gets_its_own_id():
    tokenizer = train_bpe("the the the", 259, special_tokens=["the"])
    assert tokenizer.token_bytes(258) == b"the"
    assert tokenizer.encode("the", disallowed_special=()) == [258]
    assert tokenizer.encode("the", allowed_special="all") == [0]


def test_bytes_train_as_the_text_they_spell():
    text = "Wörter, Wörter 词语词语 "
    assert train(text.encode() * 2, 300).merges == train(text * 2, 300).merges
    assert train(b"\xff\xfe\xff\xfe", 257).token_bytes(256) == b"\xff\xfe"


def test_progress_hears_of_every_merge():
    heard = []
    train("low lower lowest", 300, progress=lambda done, wanted: heard.append((done, wanted)))
    assert heard == [(done, 44) for done in range(1, len(heard) + 1)] and len(heard) >= 3


def test_no_token_gets_longer_than_the_limit():
    tokenizer = train("a" * 10_000, 400)
    assert max(len(tokenizer.token_bytes(id)) for id in range(tokenizer.vocab_size)) == MAX_TOKEN_BYTES


def test_a_junk_word_costs_no_more_than_its_letters_in_short_words(time_ratio):
    # Going through the whole word for every merge would take dozens of times as long.
    junk = "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz", k=20_000))
    short_words = [junk[i : i + 8] for i in range(0, len(junk), 8)]
    assert time_ratio(lambda texts: train(texts, 2000), tuple(short_words), junk, bound=2.5) <= 2.5


def test_time_grows_linearly_with_a_run_of_one_letter(time_ratio):
    assert time_ratio(lambda n: train("a" * n, 600), 25_000, 200_000, bound=2.5**3) <= 2.5**3
