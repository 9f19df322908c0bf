"""What a format cannot hold is refused when it is written, never left out."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lm.tokenizer import Pipeline, Template
from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import BYTE_ORDER
from lm.tokenizer.byte_level import ByteLevel
from lm.tokenizer.formats import bert, gpt2, huggingface, tiktoken
from lm.tokenizer.normalizers import BertNormalizer, Lowercase
from lm.tokenizer.wordpiece import WordPiece

EXPECTED = json.loads(Path(__file__).with_name("expected.json").read_text())
BYTES = {bytes([byte]): id for id, byte in enumerate(BYTE_ORDER)}
PLAIN = ByteLevel(BYTES | {b"ab": 256, b"abc": 257}, [(b"a", b"b"), (b"ab", b"c")])
END = AddedToken("<end>", 258)
TEMPLATE = Template.parse("<end> $A", "<end> $A $B")
BERT = huggingface.from_document(EXPECTED["cases"]["bert"]["document"])

SWAPPED = ByteLevel(BYTES | {b"ab": 257, b"abc": 256}, PLAIN.merges)
UNMADE = ByteLevel(PLAIN.vocabulary, PLAIN.merges[:1])
WITHOUT_A_BYTE = ByteLevel({token: id for token, id in PLAIN.vocabulary.items() if token != b"\0"}, PLAIN.merges)


def pipeline(model=PLAIN, added=END, **parts):
    return Pipeline(model, added_tokens=[added], **parts)


REFUSED = [
    (gpt2, pipeline(UNMADE), "more to it"),
    (gpt2, pipeline(replace(PLAIN, add_prefix_space=True)), "more to it"),
    (gpt2, pipeline(normalizer=Lowercase()), "more to it"),
    (gpt2, pipeline(template=TEMPLATE), "more to it"),
    (gpt2, pipeline(added=replace(END, lstrip=True)), "more to it"),
    (gpt2, pipeline(added=replace(END, special=False)), "more to it"),
    (gpt2, pipeline(added=replace(END, content="bc")), None),
    (gpt2, pipeline(added=replace(END, content="ab")), "spelled like another"),
    (gpt2, pipeline(added=replace(END, id=300)), "'<end>' has id 300, but there is none with id 258"),
    (gpt2, pipeline(replace(PLAIN, pattern="o200k")), "not for 'o200k'"),
    (gpt2, BERT, "byte-level BPE alone"),
    (tiktoken, pipeline(SWAPPED), "not in the order of their tokens' ids"),
    (tiktoken, pipeline(UNMADE), "not in the order|no merge makes"),
    (tiktoken, pipeline(replace(PLAIN, add_prefix_space=True)), "without a space put first"),
    (tiktoken, pipeline(normalizer=Lowercase()), "cannot say how text is normalized"),
    (tiktoken, pipeline(template=TEMPLATE), "nor what stands around it"),
    (tiktoken, pipeline(WITHOUT_A_BYTE), "needs a token for each byte"),
    (tiktoken, pipeline(added=replace(END, lstrip=True)), "'<end>' is no plain special token"),
    (tiktoken, pipeline(added=replace(END, special=False)), "'<end>' is no plain special token"),
    (tiktoken, pipeline(added=replace(END, id=300)), None),
    (tiktoken, BERT, "byte-level BPE alone"),
    (bert, pipeline(), "WordPiece vocabulary of a BERT alone"),
    (bert, Pipeline(BERT.model, added_tokens=BERT.added_tokens, normalizer=BERT.normalizer), "other than BERT"),
    (
        bert,
        Pipeline(BERT.model, added_tokens=BERT.added_tokens, normalizer=Lowercase(), template=BERT.template),
        "alone",
    ),
    (huggingface, pipeline(added=replace(END, id=300)), "'<end>' has id 300, but there is none with id 258"),
    (huggingface, pipeline(added=replace(END, content="ab")), "'ab' is spelled like token 256"),
    (huggingface, pipeline(replace(PLAIN, pattern="cl100k", add_prefix_space=True)), "only for gpt2's"),
]


OF_PIECES = WordPiece({"[UNK]": 0, "a": 1})
REFUSED += [
    (huggingface, pipeline(OF_PIECES, replace(END, content="a", id=1)), "would not be the same"),  # reached by text
    (huggingface, pipeline(OF_PIECES, replace(END, id=3)), "'<end>' has id 3, but there is none with id 2"),
    (huggingface, pipeline(replace(WITHOUT_A_BYTE, unknown=258)), "there is none with id|would not be the same"),
    (bert, bert.bert_tokenizer({**BERT.model.vocabulary, "far": 10_000}, BERT.normalizer), "'far' has id 10000, but"),
    (tiktoken, pipeline(ByteLevel(BYTES | {b"ab": 300}, [(b"a", b"b")])), "none with id 256"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_a_format_cannot_hold_is_refused(number, tmp_path):
    format, tokenizer, message = REFUSED[number]
    path = tmp_path / ("x.tiktoken" if format is tiktoken else "tokenizer.json" if format is huggingface else "folder")
    if message is None:
        format.write(tokenizer, path)
        assert format.read(path) == tokenizer or format is tiktoken
        assert format.read(path).special_tokens == tokenizer.special_tokens
        return
    with pytest.raises(ValueError, match=message):
        format.write(tokenizer, path)
    assert list(tmp_path.iterdir()) == []


def test_what_bert_has_besides_its_pieces_is_kept_beside_them(tmp_path):
    for normalizer in (
        BertNormalizer(lowercase=False),
        BertNormalizer(strip_accents=False),
        BertNormalizer(handle_chinese_chars=False),
    ):
        tokenizer = bert.bert_tokenizer(dict(BERT.model.vocabulary), normalizer)
        bert.write(tokenizer, tmp_path)
        assert bert.read(tmp_path) == tokenizer


def test_a_bert_of_other_limits_is_refused(tmp_path):
    model = replace(BERT.model, max_input_chars_per_word=50)
    with pytest.raises(ValueError, match="other than BERT"):
        bert.write(
            Pipeline(model, added_tokens=BERT.added_tokens, normalizer=BERT.normalizer, template=BERT.template),
            tmp_path,
        )
    assert isinstance(BERT.model, WordPiece)


def test_tokens_that_only_words_can_become_are_kept_where_they_can_be(tmp_path):
    words = ByteLevel(BYTES | {b"ab": 256, b"xyz": 257}, [(b"a", b"b")], whole_words=True)
    tiktoken.write(pipeline(words), tmp_path / "x.tiktoken")
    assert tiktoken.read(tmp_path / "x.tiktoken") == pipeline(words)
    with pytest.raises(ValueError, match="no merge makes, and in a"):
        tiktoken.write(pipeline(replace(words, whole_words=False)), tmp_path / "y.tiktoken")
    with pytest.raises(ValueError, match="more to it"):
        gpt2.write(pipeline(words), tmp_path / "folder")


def test_openais_own_files_are_known_by_their_contents(tmp_path, monkeypatch):
    data = EXPECTED["tiktoken"]["file"].encode()
    (tmp_path / "cl100k_base.tiktoken").write_bytes(data)
    published = {hashlib.sha256(data).hexdigest(): ("cl100k", {"<|endoftext|>": 1000})}
    monkeypatch.setattr(tiktoken, "PUBLISHED", published)
    tokenizer = tiktoken.read(tmp_path / "cl100k_base.tiktoken")
    assert tokenizer.model.pattern == "cl100k" and tokenizer.special_tokens == {"<|endoftext|>": 1000}
    assert tokenizer.vocab_size == 1001  # the ids between are unused, as in OpenAI's files
    with pytest.raises(ValueError, match="token id 999"):
        tokenizer.decode([999])


def test_merges_as_strings_and_as_pairs_are_the_same():
    document = EXPECTED["cases"]["gpt2"]["document"]
    merges = document["model"]["merges"]
    assert all(isinstance(merge, list) for merge in merges)
    strings = document | {"model": document["model"] | {"merges": [" ".join(merge) for merge in merges]}}
    assert huggingface.from_document(strings) == huggingface.from_document(document)
    assert huggingface.to_document(huggingface.from_document(document))["model"]["merges"] == strings["model"]["merges"]


def test_an_early_file_does_not_name_its_model_and_prefixes_are_null_or_empty():
    document = EXPECTED["cases"]["gpt2"]["document"]
    for prefix in (None, ""):
        model = {key: value for key, value in document["model"].items() if key not in ("type", "ignore_merges")}
        model |= {"continuing_subword_prefix": prefix, "end_of_word_suffix": prefix}
        assert huggingface.from_document(document | {"model": model}) == huggingface.from_document(document)
