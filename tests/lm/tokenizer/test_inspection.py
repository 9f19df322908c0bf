import json
from pathlib import Path

import pytest

from lm.tokenizer import BPETokenizer, CharacterTokenizer, Pipeline
from lm.tokenizer.byte_level import ByteLevel
from lm.tokenizer.conversion import as_pipeline
from lm.tokenizer.formats import huggingface
from lm.tokenizer.inspection import compression_by_script, merge_steps, paint, show_token, words_of

from .texts import drawn_texts

CASES = json.loads((Path(__file__).parent / "formats" / "expected.json").read_text())["cases"]


def test_the_last_step_of_a_word_is_how_it_is_encoded(tokenizer):
    pipeline = as_pipeline(tokenizer)
    for text in drawn_texts(60):
        text = text.encode("utf-8", "ignore").decode()
        for word in words_of(tokenizer, text):
            steps = list(merge_steps(tokenizer, word))
            assert [token for _, tokens in steps[:1] for token in tokens] == [bytes([b]) for b in word.encode()]
            assert [rank for rank, _ in steps[1:]] == [rank for rank, _ in list(merge_steps(pipeline, word))[1:]]
            assert steps[-1][1] == [tokenizer.token_bytes(id) for id in tokenizer.encode(word, disallowed_special=())]


def test_every_step_joins_all_places_of_one_merge_from_the_left():
    tokenizer = BPETokenizer([(64, 64), (256, 64)])  # "aa", "aaa"
    assert list(merge_steps(tokenizer, "aaaaa")) == [
        (None, [b"a"] * 5),
        (0, [b"aa", b"aa", b"a"]),
        (1, [b"aa", b"aaa"]),
    ]


def test_a_word_that_is_a_token_whatever_the_merges_make_is_that_token_at_once():
    vocabulary = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"abc": 257}
    tokenizer = Pipeline(ByteLevel(vocabulary, [(b"a", b"b")], whole_words=True))
    assert list(merge_steps(tokenizer, "abc")) == [(None, [b"a", b"b", b"c"]), (None, [b"abc"])]
    assert [rank for rank, _ in merge_steps(tokenizer, "abd")] == [None, 0]


def test_words_have_merges_in_bpe_alone():
    bert = huggingface.from_document(CASES["bert"]["document"])
    assert words_of(bert, "a word") == []
    with pytest.raises(ValueError, match="this is a WordPiece vocabulary"):
        list(merge_steps(bert, "a"))


@pytest.mark.parametrize(
    ("token", "shown"),
    [(b"the", "the"), (b" a", " a"), (b"\n\t", r"\n\t"), (b"\xe8\xaf", r"\xe8\xaf"), ("词".encode(), "词"),
     (b"a\xff\x1b", r"a\xff\x1b"), ("\u200b".encode(), r"\u200b"), (b"\x1b[2J", r"\x1b[2J")],
)  # fmt: skip
def test_tokens_are_shown_in_one_line_that_controls_no_terminal(token, shown):
    assert show_token(token) == shown


def test_neighbours_are_painted_apart():
    painted = paint([b"a", b"b", b"\n"], color=True)
    assert painted.count("\x1b[30;48;5;") == 3 and painted.endswith("\\n\x1b[0m\n")
    assert paint([b"a", b"b", b"\n"], color=False) == "a│b│\\n"


def test_scripts_are_told_apart_and_nothing_is_left_out():
    text = "Words, слова 12 词语词 かな\n\t €  שלום ᚠᛇ"
    report = {line.script: line for line in compression_by_script(BPETokenizer([]), [text, text])}
    assert report["Latin"].bytes == 2 * 5 and report["Han"].characters == 2 * 4 and report["numbers"].bytes == 2 * 3
    assert {"Cyrillic", "Hiragana", "Hebrew", "symbols", "white space", "other letters", "all"} <= report.keys()
    everything = report.pop("all")
    assert (
        everything.bytes == everything.tokens == 2 * len(text.encode()) == sum(line.bytes for line in report.values())
    )
    assert sum(line.characters for line in report.values()) == 2 * len(text)
    assert everything.bytes_per_token == 1.0


def test_every_tokenizer_has_a_report():
    tokenizers = [huggingface.from_document(case["document"]) for case in CASES.values()]
    for tokenizer in [*tokenizers, CharacterTokenizer("the text")]:
        lines = compression_by_script(tokenizer, ["the text"])
        assert lines[-1].script == "all" and lines[0].script == "Latin" and lines[-1].tokens > 0
    assert compression_by_script(BPETokenizer([]), [])[0].bytes_per_token == 0.0
