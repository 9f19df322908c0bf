import copy
import pickle
import random
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer import BPETokenizer, bpe, distinct, encoder, train_bpe
from lm.tokenizer.bpe import BYTE_ORDER, MAX_TOKEN_BYTES
from lm.tokenizer.decoding import StreamDecoder
from lm.tokenizer.splitting import PATTERN_NAMES, as_text, word_bytes

from .texts import FAMILIES, byte_strings, drawn_texts, texts, texts_with_surrogates

DIGITS_TO_LETTERS = str.maketrans("0123456789", "abcdefghij")
EOT, USER = "<|endoftext|>", "<|user|>"


def naive_encode(tokenizer, word):
    """The textbook: again and again, join the leftmost of the pairs that the earliest merge joins."""
    ordinary = set(range(tokenizer.vocab_size)) - set(tokenizer.special_tokens.values())
    id_of = {tokenizer.token_bytes(id): id for id in ordinary}
    rank_of = {pair: rank for rank, pair in enumerate(tokenizer.merges)}
    parts = [bytes([byte]) for byte in word]
    while True:
        ids = [id_of[part] for part in parts]
        ranks = [rank_of.get(pair, len(rank_of)) for pair in pairwise(ids)]
        if min(ranks, default=len(rank_of)) == len(rank_of):
            return ids
        i = ranks.index(min(ranks))
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


@st.composite
def merge_lists(draw):
    """Any merges that a tokenizer may have, made of a few letters: in any order, and with several ways to one token."""
    tokens = {bytes([byte]): BYTE_ORDER.index(byte) for byte in b"ab-"}
    merges = []
    for _ in range(draw(st.integers(0, 25))):
        left, right = draw(st.sampled_from(sorted(tokens))), draw(st.sampled_from(sorted(tokens)))
        if (tokens[left], tokens[right]) not in merges and len(left + right) <= 12:
            merges.append((tokens[left], tokens[right]))
            tokens.setdefault(left + right, 253 + len(tokens))
    return merges


@given(merges=merge_lists(), words=st.lists(st.text("ab-", min_size=1, max_size=40), max_size=5))
def test_words_encode_as_the_textbook_says(merges, words):
    tokenizer = BPETokenizer(merges)
    for word in words:
        for part in tokenizer.encoder.split.words(word):
            assert tokenizer.encode(part) == naive_encode(tokenizer, part.encode())


@given(merges=merge_lists(), words=st.lists(st.text("ab-", min_size=1, max_size=40), max_size=5))
def test_words_merged_in_step_are_those_merged_alone(merges, words):
    merger = BPETokenizer(merges).encoder.merger
    words = [word.encode() for word in [*words, "ab-" * 50]]
    ids, counts = merger.merge_many(words)
    expected = [merger.merge(word) for word in words]
    assert counts.tolist() == list(map(len, expected))
    assert ids.tolist() == [id for one in expected for id in one]
    assert [merger._merge_long(word) for word in words] == expected


def test_words_of_no_bytes_are_no_ids():
    merger = BPETokenizer([(64, 65)]).encoder.merger
    for words in ([b""], [b"", b""], [b"", b"ab", b""], []):
        ids, counts = merger.merge_many(words)
        assert counts.tolist() == [len(merger.merge(word)) for word in words]
        assert ids.tolist() == [id for word in words for id in merger.merge(word)]


def test_a_join_that_allows_an_earlier_merge_waits_for_it():
    a, b, c, bc, ab, abc = 64, 65, 66, 256, 257, 258
    tokenizer = BPETokenizer([(b, c), (a, b), (ab, c), (abc, a), (a, bc)])
    merger = tokenizer.encoder.merger
    assert naive_encode(tokenizer, b"abcabc") == [259, bc]
    assert merger._merge_long(b"abcabc") == merger.merge(b"abcabc") == (259, bc)


def test_ids_are_those_of_the_installed_hugging_face_where_a_token_is_made_in_several_ways():
    pytest.importorskip("tokenizers")
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

    @given(merges=merge_lists(), word=st.text("ab-", min_size=1, max_size=40))
    def check(merges, word):
        tokenizer = BPETokenizer(merges)
        spell = lambda id: tokenizer.token_bytes(id).decode()
        vocab = {spell(id): id for id in range(tokenizer.vocab_size) if tokenizer.token_bytes(id).isascii()}
        theirs = Tokenizer(BPE(vocab, [(spell(left), spell(right)) for left, right in merges]))
        assert list(tokenizer.encoder.merger.merge(word.encode())) == theirs.encode(word).ids

    check()


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_long_texts_encode_as_their_words_do(tokenizer, pattern):
    tokenizer = BPETokenizer(tokenizer.merges, special_tokens=tokenizer.special_tokens, pattern=pattern)
    text = as_text("".join(drawn_texts(3_000, seed=11)) + "的一是不了人" * 9 + "x" * 300)
    assert len(text) > encoder.SHORT_TEXT
    expected = []
    for word in tokenizer.encoder.split.words(text):
        expected += tokenizer.encoder.merger.merge(word_bytes(word))
    for _ in range(2):  # with nothing remembered, and with everything
        assert tokenizer.encode_to_array(word_bytes(text), disallowed_special=()).tolist() == expected
        assert tokenizer.encode(word_bytes(text), disallowed_special=()) == expected


def test_the_memory_of_words_is_bounded_also_for_long_texts(tokenizer, monkeypatch):
    monkeypatch.setattr(encoder, "CACHE_BYTES", 50_000)
    tokenizer = BPETokenizer(tokenizer.merges, special_tokens=tokenizer.special_tokens)
    for i in range(20):
        text = " ".join(f"w{i}x{j}" for j in range(1000)).translate(DIGITS_TO_LETTERS)
        assert tokenizer.decode(tokenizer.encode_to_array(text)) == text
        assert 1_000 < len(tokenizer.encoder._word_arrays._words.words) < 1_100


def test_threads_that_share_a_tokenizer_get_their_own_ids(tokenizer, monkeypatch):
    monkeypatch.setattr(encoder, "CACHE_BYTES", 30_000)  # so that they throw away what others number
    tokenizer = BPETokenizer(tokenizer.merges, special_tokens=tokenizer.special_tokens)
    texts = [" ".join(f"w{i}x{j}" for j in range(2000)).translate(DIGITS_TO_LETTERS) for i in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                for text, ids in zip(texts, pool.map(tokenizer.encode_to_array, texts)):
                    assert tokenizer.decode(ids) == text
    finally:
        sys.setswitchinterval(interval)


def test_a_tokenizer_can_be_pickled_and_leaves_behind_what_it_remembers(tokenizer):
    tokenizer.encode("a word " * 1000)
    again = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301
    assert not again.encoder._words and len(again.encoder._word_arrays._words.words) == 1
    text = "".join(drawn_texts(500, seed=12))
    assert again.encode(text, allowed_special="all") == tokenizer.encode(text, allowed_special="all")


@given(texts_with_surrogates)
def test_offsets_are_where_tokens_lie(tokenizer, text):
    ids, offsets = tokenizer.encode_with_offsets(text, allowed_special="all")
    assert ids.tolist() == tokenizer.encode(text, allowed_special="all")
    end = 0
    for id, (start, stop) in zip(ids.tolist(), offsets.tolist()):
        assert start in (end, end - 1) and stop > start
        assert tokenizer.token_bytes(id) in text[start:stop].encode("utf-8", "surrogatepass")
        end = stop
    assert end == len(text)
    data = text.encode("utf-8", "surrogatepass")
    ids, offsets = tokenizer.encode_with_offsets(data, allowed_special="all")
    assert [data[start:stop] for start, stop in offsets.tolist()] == list(map(tokenizer.token_bytes, ids.tolist()))


def test_drawn_texts_encode_as_the_textbook_says(tokenizer):
    for text in drawn_texts(300, seed=2):
        expected = []
        for word in tokenizer.encoder.split.words(text):
            expected += naive_encode(tokenizer, word.encode("utf-8", "surrogatepass"))
        assert tokenizer.encode(text, disallowed_special=()) == expected


def test_ids_are_those_of_the_installed_tiktoken(tokenizer):
    tiktoken = pytest.importorskip("tiktoken")
    ordinary = set(range(tokenizer.vocab_size)) - set(tokenizer.special_tokens.values())
    theirs = tiktoken.Encoding(
        "ours",
        pat_str=r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        mergeable_ranks={tokenizer.token_bytes(id): id for id in ordinary},
        special_tokens=dict(tokenizer.special_tokens),
    )
    for text in drawn_texts(10_000, seed=3):
        # Not lone surrogates, which tiktoken replaces, nor characters that only a newer Unicode than its has.
        text = "".join(character for character in text if unicodedata.category(character) not in ("Cs", "Cn"))
        assert tokenizer.encode(text, disallowed_special=()) == theirs.encode(text, disallowed_special=())
        assert tokenizer.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all")


# Round trip


@given(byte_strings)
def test_bytes_round_trip(tokenizer, data):
    assert tokenizer.decode_bytes(tokenizer.encode(data, disallowed_special=())) == data


@given(texts)
def test_text_round_trips(tokenizer, text):
    ids = tokenizer.encode(text, disallowed_special=())
    assert tokenizer.decode(ids) == text
    assert tokenizer.encode(text.encode(), disallowed_special=()) == ids


@given(texts_with_surrogates)
def test_lone_surrogates_round_trip_with_surrogatepass(tokenizer, text):
    ids = tokenizer.encode(text, disallowed_special=())
    assert tokenizer.decode_bytes(ids) == text.encode("utf-8", "surrogatepass")
    assert tokenizer.decode(ids, errors="surrogatepass") == text


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_drawn_texts_and_byte_strings_round_trip(tokenizer, count):
    rng = random.Random(4)
    for text in drawn_texts(count, seed=4):
        ids = tokenizer.encode(text, disallowed_special=())
        assert tokenizer.decode(ids, errors="surrogatepass") == text
        data = rng.randbytes(rng.randrange(40)) + text.encode("utf-8", "replace")[rng.randrange(3) :]
        assert tokenizer.decode_bytes(tokenizer.encode(data, disallowed_special=())) == data


def test_a_word_keeps_its_bytes_whatever_was_encoded_before(tokenizer):
    # U+DC80 in a string, and the byte 0x80 that Python's surrogateescape writes as U+DC80
    assert tokenizer.decode_bytes(tokenizer.encode(b"\x80")) == b"\x80"
    assert tokenizer.decode_bytes(tokenizer.encode("\udc80")) == b"\xed\xb2\x80"
    assert tokenizer.decode_bytes(tokenizer.encode(b"\x80")) == b"\x80"


@given(texts)
def test_array_holds_the_same_ids(tokenizer, text):
    array = tokenizer.encode_to_array(text, disallowed_special=())
    assert array.dtype == np.uint16
    assert array.tolist() == tokenizer.encode(text, disallowed_special=())
    assert tokenizer.decode(array) == text


def test_array_is_uint32_where_ids_need_it():
    two_byte_tokens = [(left, right) for left in range(256) for right in range(256)]
    for vocab_size, dtype in [(1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)]:
        tokenizer = BPETokenizer(two_byte_tokens[: vocab_size - 256])
        assert tokenizer.vocab_size == vocab_size
        last = tokenizer.encode_to_array(tokenizer.token_bytes(vocab_size - 1))
        assert last.dtype == dtype and last.tolist() == [vocab_size - 1]


# Decoding


@given(st.lists(st.integers(0, 419), max_size=30))
def test_decode_never_raises_on_valid_ids(tokenizer, ids):
    assert tokenizer.decode_bytes(ids) == b"".join(map(tokenizer.token_bytes, ids))
    tokenizer.decode(ids).encode()


@given(
    ids=st.lists(st.integers(0, 419), max_size=5),
    bad=st.integers().filter(lambda id: not 0 <= id < 420),
    at=st.integers(0, 5),
)
def test_decode_names_an_invalid_id_and_its_position(tokenizer, ids, bad, at):
    ids.insert(at, bad)
    for decode in (tokenizer.decode, tokenizer.decode_bytes):
        with pytest.raises(ValueError, match=rf"token id {bad} at position {ids.index(bad)} is outside 0 \.\. 419"):
            decode(ids)
    with pytest.raises(ValueError, match=rf"token id {bad} "):
        tokenizer.token_bytes(bad)


def test_decode_refuses_what_is_no_id(tokenizer):
    for ids in ([1.0], ["a"], [None], "ab"):
        with pytest.raises(TypeError):
            tokenizer.decode(ids)


def test_decode_replaces_bytes_that_are_not_utf8_unless_told_otherwise(tokenizer):
    ids = tokenizer.encode(b"a\xc3")
    assert tokenizer.decode(ids) == "a\ufffd"
    with pytest.raises(UnicodeDecodeError):
        tokenizer.decode(ids, errors="strict")


@given(st.lists(st.integers(0, 419), min_size=bpe.MANY_IDS, max_size=2 * bpe.MANY_IDS))
def test_many_ids_decode_as_each_does(tokenizer, ids):
    expected = b"".join(tokenizer._tokens[id] for id in ids)
    assert tokenizer.decode_bytes(ids) == expected
    assert tokenizer.decode_bytes(np.array(ids, np.uint16)) == expected


@pytest.mark.parametrize("bad", [-1, 420, 1 << 70, 1.0, None, "a"])
def test_a_bad_id_among_many_is_named(tokenizer, bad):
    ids = [1] * 300 + [bad]
    with pytest.raises(ValueError if isinstance(bad, int) else TypeError):
        tokenizer.decode_bytes(ids)


@given(texts_with_surrogates, st.data())
def test_streamed_pieces_join_to_the_whole(tokenizer, text, data):
    whole = text.encode("utf-8", "surrogatepass") + data.draw(st.binary(max_size=4))
    decoder = StreamDecoder()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[start:end] for start, end in pairwise([0, *cuts, len(whole)])]
    assert "".join(map(decoder.feed, pieces)) + decoder.finish() == whole.decode("utf-8", "replace")


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_split_of_a_stream_joins_to_the_whole(count):
    rng = random.Random(5)
    for text in drawn_texts(count, seed=5):
        data = text.encode("utf-8", "surrogatepass")[:40] + rng.randbytes(rng.randrange(3))
        whole = data.decode("utf-8", "replace")
        for cut in range(len(data) + 1):
            decoder = StreamDecoder()
            assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) + decoder.finish() == whole
        assert "".join(decoder.feed(data[i : i + 1]) for i in range(len(data))) + decoder.finish() == whole


def test_a_stream_of_chinese_shows_no_replacement_character(tokenizer):
    text = "".join(random.Random(0).choices("的一是不了人我在有他😀é a", k=2000))
    decoder = StreamDecoder()
    shown = [decoder.feed(tokenizer.token_bytes(id)) for id in tokenizer.encode(text)]
    assert "".join(shown) == text and decoder.finish() == ""


# Special tokens


def test_special_spellings_in_text_raise_by_default(tokenizer):
    for text in (f"a{EOT}", f"a{EOT}".encode(), b"\xff\xe2" + EOT.encode()):
        for encode in (tokenizer.encode, tokenizer.encode_to_array):
            with pytest.raises(ValueError, match=r"'<\|endoftext\|>' at offset \d, which spells a special token"):
                encode(text)
    with pytest.raises(ValueError, match=r"'<\|user\|>'"):
        tokenizer.encode(EOT + USER, allowed_special={EOT})


def test_special_tokens_are_parsed_only_where_allowed(tokenizer):
    eot, user = tokenizer.special_tokens[EOT], tokenizer.special_tokens[USER]
    text = f"a{EOT}b{USER}{EOT}"
    a, b = tokenizer.encode("a"), tokenizer.encode("b")
    assert tokenizer.encode(text, allowed_special="all") == [*a, eot, *b, user, eot]
    plain = tokenizer.encode(text, allowed_special={USER}, disallowed_special=())
    assert user in plain and eot not in plain
    assert tokenizer.decode(plain) == text
    assert tokenizer.encode_to_array(text, allowed_special="all").tolist() == [*a, eot, *b, user, eot]
    assert tokenizer.encode(text.encode(), allowed_special="all") == [*a, eot, *b, user, eot]


@given(
    st.lists(st.sampled_from([EOT, USER, EOT[:7], EOT[7:], "<|", "|>", "user", " ", "a", "\udcff", "é"])).map("".join)
)
def test_no_text_gives_a_special_id_that_was_not_allowed(tokenizer, text):
    special_ids = set(tokenizer.special_tokens.values())
    assert not special_ids & set(tokenizer.encode(text, disallowed_special=()))
    assert not special_ids & set(tokenizer.encode(text.encode("utf-8", "replace"), disallowed_special=()))
    if EOT in text or USER in text:
        with pytest.raises(ValueError, match="spells a special token"):
            tokenizer.encode(text)
    else:
        assert not special_ids & set(tokenizer.encode(text))


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_drawn_texts_of_special_spellings_give_no_special_id(tokenizer, count):
    rng = random.Random(6)
    special_ids = set(tokenizer.special_tokens.values())
    parts = [EOT, USER, EOT[:5], EOT[5:], "<|", "|>", "<", "|", ">", "\0", "\udcff", " ", "user", "endoftext", "\n"]
    for length in (8, 1000):  # by dict, and by array
        for _ in range(count if length < 1000 else count // 100):
            text = "".join(rng.choices(parts, k=rng.randrange(1, length)))
            assert not special_ids & set(tokenizer.encode(text, disallowed_special=()))
            assert not special_ids & set(
                tokenizer.encode_to_array(text.encode("utf-8", "replace"), disallowed_special=())
            )
            if EOT in text or USER in text:
                with pytest.raises(ValueError, match="spells a special token"):
                    tokenizer.encode(text)


def test_the_longest_special_token_wins():
    tokenizer = BPETokenizer([], special_tokens={"<|a|>": 0, "<|a|><|b|>": 1, "<|b|>": 2})
    assert tokenizer.encode("<|a|><|b|><|a|>", allowed_special="all") == [1, 0]


def test_special_tokens_may_hold_pattern_characters():
    tokenizer = BPETokenizer([], special_tokens={"(a+)+$": 0, "[x": 1, "é\n": 2})
    assert tokenizer.encode("[x(a+)+$é\n", allowed_special="all") == [1, 0, 2]


def test_special_arguments_that_name_no_special_token_are_refused(tokenizer):
    with pytest.raises(ValueError, match=r"allowed_special has '<\|eot\|>', which is no special token"):
        tokenizer.encode("a", allowed_special={"<|eot|>"})
    with pytest.raises(ValueError, match="disallowed_special has"):
        tokenizer.encode("a", disallowed_special={"<|eot|>"})
    with pytest.raises(TypeError, match="not the string"):
        tokenizer.encode("a", allowed_special=EOT)


def test_eot_token_and_special_tokens_are_found_by_name(tokenizer):
    assert tokenizer.eot_token == tokenizer.special_tokens[EOT] == 0
    assert BPETokenizer([]).eot_token is None
    assert tokenizer.token_bytes(1) == USER.encode()
    with pytest.raises(TypeError):
        tokenizer.special_tokens["<|new|>"] = 7


def test_special_tokens_may_come_after_the_merges_as_in_gpt2():
    tokenizer = BPETokenizer([(64, 65), (256, 66)], special_tokens={EOT: 258})
    assert tokenizer.encode(f"abc{EOT}", allowed_special="all") == [257, 258]
    assert tokenizer.vocab_size == 259


# What a tokenizer can not be made of


@pytest.mark.parametrize(
    "merges, special_tokens, message",
    [
        ([(64, 300)], {}, "merge 0 joins id 300"),
        ([(64, 65), (256, 257)], {}, "merge 1 joins id 257"),
        ([(-1, 65)], {}, "merge 0 joins id -1"),
        ([(64, 0)], {EOT: 0}, "merge 0 joins id 0"),
        ([(64, 65), (65, 64), (64, 65)], {}, "merge 2 repeats merge 0"),
        ([], {EOT: 257}, "special token '<|endoftext|>' has id 257, but there are only 257 ids"),
        ([], {EOT: -1}, "negative id -1"),
        ([], {EOT: 0, USER: 0}, "'<|endoftext|>' and '<|user|>' have the same id 0"),
        ([], {f"<{i}>": i for i in range(bpe.MAX_SPECIAL_TOKENS + 1)}, "16385 special tokens, more than 16384"),
        ([], {"": 0}, "0 bytes"),
        ([], {"é" * 200: 0}, "400 bytes"),
        ([], {"\ud800": 0}, "lone surrogate"),
    ],
)
def test_impossible_vocabularies_are_refused(merges, special_tokens, message):
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        BPETokenizer(merges, special_tokens=special_tokens)


def test_merges_that_double_a_token_are_stopped_at_the_limit():
    merges = [(64, 64)] + [(id, id) for id in range(256, 300)]
    with pytest.raises(ValueError, match=f"merge 8 makes a token of {2 * MAX_TOKEN_BYTES} bytes"):
        BPETokenizer(merges)


def test_sizes_of_vocabularies_are_bounded(monkeypatch):
    monkeypatch.setattr(bpe, "MAX_VOCABULARY_BYTES", 5)
    with pytest.raises(ValueError, match="merge 1 takes the vocabulary beyond 5 bytes"):
        BPETokenizer([(64, 65), (256, 256)])
    monkeypatch.setattr(bpe, "MAX_VOCAB_SIZE", 257)
    with pytest.raises(ValueError, match="a vocabulary of 258 ids; at most 257"):
        BPETokenizer([(64, 65)], special_tokens={EOT: 0})
    monkeypatch.setattr(bpe, "MAX_VOCAB_SIZE", 1)
    with pytest.raises(ValueError, match="more than 1 merges"):
        BPETokenizer([(64, 65), (64, 66)])


# Time and memory


@pytest.fixture(scope="module")
def junk_tokenizer():
    """Has merges for every family: without merges nothing is tried."""
    samples = [make(3000) for make in FAMILIES.values()]
    return train_bpe(samples, 1024)


@pytest.mark.parametrize("family", FAMILIES)
def test_time_grows_linearly_with_the_text(junk_tokenizer, family, time_ratio):
    samples = {n: FAMILIES[family](n) for n in (125_000, 1_000_000)}

    def encode(n):
        junk_tokenizer.encoder = copy.copy(junk_tokenizer.encoder)  # which remembers nothing
        ids = junk_tokenizer.encode(samples[n])
        data = samples[n] if isinstance(samples[n], bytes) else samples[n].encode()
        assert junk_tokenizer.decode_bytes(ids) == data
        assert len(ids) < len(data)

    assert time_ratio(encode, 125_000, 1_000_000, bound=2.5**3) <= 2.5**3


def test_word_cache_is_bounded_and_holds_no_long_words(monkeypatch):
    monkeypatch.setattr(encoder, "CACHE_BYTES", 20_000)
    tokenizer = BPETokenizer([(64, 65)])
    held = []
    for i in range(2000):
        word = f" w{i}".translate(DIGITS_TO_LETTERS)
        assert tokenizer.decode(tokenizer.encode(word)) == word
        held.append(len(tokenizer.encoder._words))
    assert 20 < max(held) < 120
    for length, remembered in [(encoder.CACHED_WORD_BYTES, True), (encoder.CACHED_WORD_BYTES + 1, False)]:
        tokenizer.encode("a" * length)
        assert ("a" * length in tokenizer.encoder._words) == remembered


def test_what_an_interrupted_call_remembered_by_halves_is_forgotten(monkeypatch):
    """Ctrl-C may come between any two parts of what a tokenizer remembers of its words."""
    tokenizer = train_bpe(["the cat sat on the mat " * 20], 262)
    text = " ".join(f"word{i} cat{i % 7}" for i in range(encoder.SHORT_TEXT))
    add = distinct.Slots.add

    def interrupted(self, keys):
        monkeypatch.setattr(distinct.Slots, "add", add)
        add(self, keys)
        raise KeyboardInterrupt

    monkeypatch.setattr(distinct.Slots, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tokenizer.encode(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
