import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from lm.generation.stream import stream_text
from lm.tokenizer import BPETokenizer, Pipeline
from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import BYTE_ORDER
from lm.tokenizer.byte_level import ByteLevel, spell, unspell
from lm.tokenizer.conversion import as_bpe, as_pipeline
from lm.tokenizer.formats import huggingface
from lm.tokenizer.normalizers import Lowercase
from lm.tokenizer.splitting import split_pattern
from lm.tokenizer.templates import TEMPLATES, Template
from lm.tokenizer.unigram import Metaspace, Unigram
from lm.tokenizer.wordpiece import WordPiece

from .texts import FAMILIES, byte_strings, drawn_texts, texts_with_surrogates

CASES = json.loads((Path(__file__).parent / "formats" / "expected.json").read_text())["cases"]
PIPELINES = {name: huggingface.from_document(case["document"]) for name, case in CASES.items()}
BYTES = {bytes([byte]): byte for byte in range(256)}


@pytest.fixture(params=PIPELINES)
def pipeline(request):
    return PIPELINES[request.param]


# ---------------------------------------------------------------------------------------------------------- any text


@given(texts_with_surrogates)
@settings(max_examples=100, derandomize=True)
def test_any_text_is_encoded_and_decoded(text):
    for name, pipeline in PIPELINES.items():
        ids = pipeline.encode(text, disallowed_special=())
        assert all(0 <= id < pipeline.vocab_size for id in ids)
        decoded = pipeline.decode_bytes(ids)
        if name == "roberta":
            decoded = decoded if text[:1] == " " else decoded.removeprefix(b" ")
        if isinstance(pipeline.model, ByteLevel) and name != "roberta":
            assert decoded == text.encode("utf-8", "surrogatepass")


@given(byte_strings)
@settings(max_examples=100, derandomize=True)
def test_any_bytes_go_through_byte_level_models(data):
    for name, pipeline in PIPELINES.items():
        decoded = pipeline.decode_bytes(pipeline.encode(data, disallowed_special=()))
        if isinstance(pipeline.model, ByteLevel) and name != "roberta":
            assert decoded == data


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_text_of_special_spellings_gives_a_special_id(count, pipeline):
    rng = random.Random(0)
    allowed = {pipeline.special_tokens.get("[UNK]"), pipeline.special_tokens.get("<unk>")}
    special = set(pipeline.special_tokens.values()) - allowed
    parts = [*pipeline.special_tokens, *" \n<>|[]/s", "endoftext", "CLS", "extra_id_0", "＜/s＞", "Ġ", "▁</s>", "##"]
    for _ in range(count):
        text = "".join(rng.choices(parts, k=rng.randrange(1, 8)))
        assert not special & set(pipeline.encode(text, disallowed_special=())), text
        if any(spelling in text for spelling in pipeline.special_tokens):
            with pytest.raises(ValueError, match="which spells a special token"):
                pipeline.encode(text)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["bert", "t5", "llama3"])
def test_time_grows_linearly_with_the_text(name, family, time_ratio):
    samples = {n: FAMILIES[family](n) for n in (10_000, 80_000)}

    def encode(n):
        PIPELINES[name].encode(samples[n], disallowed_special=())

    assert time_ratio(encode, 10_000, 80_000, bound=2.5**3) <= 2.5**3


def test_special_tokens_are_found_where_allowed_and_raise_by_default():
    pipeline = PIPELINES["bert"]
    assert pipeline.encode("[CLS][SEP]", allowed_special="all") == [2, 3]
    assert pipeline.encode("[CLS][SEP]", allowed_special=["[CLS]"], disallowed_special=())[0] == 2
    with pytest.raises(ValueError, match=r"the text holds '\[SEP\]' at offset 5.*allowed_special=\{'\[SEP\]'\}"):
        pipeline.encode("[CLS][SEP]", allowed_special=["[CLS]"])
    with pytest.raises(ValueError, match="'<x>', which is no special token"):
        pipeline.encode("a", allowed_special=["<x>"])
    with pytest.raises(TypeError, match="not the string"):
        pipeline.encode("a", disallowed_special="[CLS]")


def test_the_text_after_an_added_token_does_not_stand_at_the_start():
    first = Metaspace(prepend_scheme="first")
    model = Unigram([("a", -1.0), ("▁a", -1.0)], metaspace=first)
    tokenizer = Pipeline(model, added_tokens=[AddedToken("<s>", 2, special=False)])
    assert tokenizer.encode("a<s>a") == [1, 2, 0] and tokenizer.encode("<s>a") == [2, 0]


def test_pipelines_are_equal_where_their_parts_are():
    for name, case in CASES.items():
        assert huggingface.from_document(case["document"]) == PIPELINES[name] != PIPELINES["han"] or name == "han"
    assert PIPELINES["gpt2"] != "gpt2"


def test_ids_that_there_are_not_cannot_be_decoded(pipeline):
    for id in (-1, pipeline.vocab_size, 10**12):
        with pytest.raises(ValueError, match=f"token id {id} at position 1 is no id"):
            pipeline.decode([0, id])
        with pytest.raises(ValueError, match="is no id"):
            pipeline.spelling(id)


def test_arrays_hold_the_same_ids(pipeline):
    text = "some text, naïve 词"
    array = pipeline.encode_to_array(text)
    assert array.dtype == np.uint16 and array.tolist() == pipeline.encode(text)
    assert Pipeline(ByteLevel(BYTES | {b"ab": 1 << 17}, [(b"a", b"b")])).encode_to_array("ab").dtype == np.uint32


def test_the_token_between_documents():
    assert PIPELINES["t5"].eot_token == 1 and PIPELINES["bert"].eot_token == 3
    assert PIPELINES["gpt2"].eot_token == PIPELINES["gpt2"].special_tokens["<|endoftext|>"]
    assert Pipeline(ByteLevel(BYTES, [])).eot_token is None


def test_byte_level_text_is_streamed_without_broken_characters():
    for name in ("gpt2", "cl100k", "llama3", "o200k", "han"):
        for text in drawn_texts(40):
            text = text.encode("utf-8", "ignore").decode()
            ids = PIPELINES[name].encode(text, disallowed_special=())
            chunks = list(stream_text(PIPELINES[name], ids))
            assert "".join(chunks) == text and ("\ufffd" in text or not any("\ufffd" in chunk for chunk in chunks))


@given(texts_with_surrogates)
@settings(max_examples=60, derandomize=True)
def test_streamed_chunks_are_the_decoded_text_of_every_model(text):
    for pipeline in PIPELINES.values():
        ids = pipeline.encode(text + " two words.", disallowed_special=())
        assert "".join(stream_text(pipeline, ids)) == pipeline.decode(ids)


def test_a_vocabulary_is_refused_where_its_parts_clash():
    with pytest.raises(ValueError, match=r"the template has '\[CLS\]', which is no added token"):
        Pipeline(WordPiece({"[UNK]": 0}), template=TEMPLATES["bert"])
    with pytest.raises(ValueError, match="no id below 0"):
        Pipeline(WordPiece({"[UNK]": -1}))
    with pytest.raises(ValueError, match="'a' is there twice"):
        Pipeline(ByteLevel(BYTES, []), added_tokens=[AddedToken("a", 1), AddedToken("a", 2)])


def test_its_description_is_one_line():
    assert repr(PIPELINES["bert"]).startswith("Pipeline(WordPiece, vocab_size=700, special_tokens=['[PAD]', '[UNK]',")


# --------------------------------------------------------------------------------------------------------- byte level


def test_bytes_are_spelled_as_gpt2_spells_them():
    assert spell(b" \n\x00a\xad\xff") == "ĠĊĀaŃÿ"
    every = bytes(range(256))
    assert unspell(spell(every)) == every and len(set(spell(every))) == 256 and spell(every).isprintable()
    assert unspell("词") is None and unspell(" ") is None


def test_a_space_is_put_first_where_there_is_none():
    model = ByteLevel(BYTES, [], add_prefix_space=True)
    assert model.encode("a") == [32, 97] and model.encode(" a") == [32, 97] and model.encode("\ta") == [32, 9, 97]


def test_a_word_that_is_a_token_is_that_token_if_told():
    vocabulary = BYTES | {b"ab": 256, b"abc": 257}
    plain, whole = (ByteLevel(vocabulary, [(b"a", b"b")], whole_words=told) for told in (False, True))
    assert plain.encode("abc abc") == [256, 99, 32, 256, 99]
    assert whole.encode("abc abc abcd") == [257, 32, 256, 99, 32, 256, 99, 100]


def test_words_that_are_tokens_are_these_in_long_texts_too():
    long = b" incomprehensibilities"
    vocabulary = BYTES | {b"ab": 256, b"abc": 257, long: 258, b"hensi": 259}
    model = ByteLevel(vocabulary, [(b"a", b"b")], whole_words=True)
    words = [
        "abc",
        " abc",
        " incomprehensibilities",
        " incomprehensibilitie",
        " hensi",
        "\n",
        " 的一是不了人我在有他这",
    ] * 200
    random.Random(0).shuffle(words)
    text = "".join(words)
    expected = []
    for word in split_pattern("gpt2").words(text):
        expected += model.encode(word)
    assert model.encode(text) == expected and {257, 258} <= set(expected)
    assert ByteLevel(vocabulary, model.merges).encode(text).count(258) == 0 == expected.count(259)


def test_a_byte_without_a_token_is_unknown_or_an_error():
    vocabulary = {token: id for token, id in BYTES.items() if token != b"x"}
    assert ByteLevel(vocabulary, [], unknown=5).encode("axb") == [97, 5, 98]
    with pytest.raises(ValueError, match="no token for byte 0x78"):
        ByteLevel(vocabulary, []).encode("axb")
    whole = ByteLevel(vocabulary | {b"axb": 300}, [], whole_words=True)
    assert whole.encode("axb") == [300]
    with pytest.raises(ValueError, match="merge 0 joins 'x', which is no byte"):
        ByteLevel(vocabulary | {b"xa": 300}, [(b"x", b"a")])


# --------------------------------------------------------------------------------------------------------- conversion


def test_our_bpe_and_its_pipeline_are_the_same(tokenizer):
    pipeline = as_pipeline(tokenizer)
    for text in drawn_texts(100):
        assert pipeline.encode(text, allowed_special="all") == tokenizer.encode(text, allowed_special="all")
    again = as_bpe(pipeline)
    assert isinstance(again, BPETokenizer) and again.merges == tokenizer.merges
    assert again.special_tokens == tokenizer.special_tokens and again.pattern == tokenizer.pattern


def test_what_bpe_cannot_be_stays_a_pipeline():
    merges = [(b"a", b"b")]
    in_order = {bytes([byte]): id for id, byte in enumerate(BYTE_ORDER)} | {b"ab": 256}
    special = [AddedToken("<s>", 257)]
    assert as_bpe(Pipeline(ByteLevel(in_order, merges), added_tokens=special)) is not None
    assert as_bpe(Pipeline(ByteLevel(BYTES | {b"ab": 256}, merges))) is None  # ids in another order
    assert as_bpe(Pipeline(ByteLevel(in_order, merges, add_prefix_space=True))) is None
    assert as_bpe(Pipeline(ByteLevel(in_order | {b"abc": 257}, merges))) is None  # a token that no merge makes
    assert as_bpe(Pipeline(ByteLevel(in_order | {b"abc": 257}, merges, whole_words=True))) is None
    joined_late = in_order | {b"bc": 257, b"abc": 258}
    made = [(b"a", b"b"), (b"b", b"c"), (b"a", b"bc")]  # a merge makes "abc", but of "abc" alone comes "ab", "c"
    assert as_bpe(Pipeline(ByteLevel(joined_late, made))) is not None
    assert as_bpe(Pipeline(ByteLevel(joined_late, made, whole_words=True))) is None
    of_two_words = in_order | {b"b ": 257, b"ab ": 258}  # which no word is, so that it makes no difference
    made = [(b"a", b"b"), (b"b", b" "), (b"a", b"b ")]
    assert as_bpe(Pipeline(ByteLevel(of_two_words, made, whole_words=True))) is not None
    assert as_bpe(Pipeline(ByteLevel(in_order, merges), normalizer=Lowercase())) is None
    assert as_bpe(Pipeline(ByteLevel(in_order, merges), added_tokens=[AddedToken("<s>", 257, lstrip=True)])) is None
    assert as_bpe(Pipeline(ByteLevel(in_order, merges), added_tokens=[AddedToken("s", 257, special=False)])) is None
    assert as_bpe(Pipeline(ByteLevel(in_order, merges), added_tokens=[AddedToken("<s>", 300)])) is None
    template = Template.parse("<s> $A", "<s> $A $B")
    assert as_bpe(Pipeline(ByteLevel(in_order, merges), added_tokens=special, template=template)) is None
    assert as_bpe(Pipeline(WordPiece({"[UNK]": 0}))) is None
