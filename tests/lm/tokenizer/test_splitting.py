import subprocess
import sys

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer.splitting import PATTERN_NAMES, as_text, split_pattern, word_bytes

from .texts import byte_strings, drawn_texts, texts_with_surrogates

# As OpenAI's encoder.py (GPT-2), tokenizer.json files of Hugging Face, and tiktoken's openai_public.py have them
ORIGINALS = {
    "gpt2": r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""",
    "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"""
    r"""|\s*[\r\n]|\s+(?!\S)|\s""".replace("$", r"\Z"),  # which to Python is the end of a last line, too
    "llama3": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"""
    r"""|\s*[\r\n]+|\s+(?!\S)|\s+""",
    "o200k": "|".join(
        [
            r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
            r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
            r"""\p{N}{1,3}""",
            r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
            r"""\s*[\r\n]+""",
            r"""\s+(?!\S)""",
            r"""\s+""",
        ]
    ),
}


@pytest.mark.parametrize("name", ORIGINALS)
@given(text=texts_with_surrogates)
def test_patterns_cut_as_the_originals_do(name, text):
    assert split_pattern(name).words(text) == regex.findall(ORIGINALS[name], text)


@pytest.mark.parametrize("name", ORIGINALS)
def test_patterns_cut_ten_thousand_texts_as_the_originals_do(name):
    original = regex.compile(ORIGINALS[name])
    for text in drawn_texts(10_000, seed=1):
        assert split_pattern(name).words(text) == original.findall(text)


def test_han_cuts_every_han_character_and_is_llama3_elsewhere():
    words = split_pattern("han").words("It's 中文字, 〇〇 (中) 1中2, 12345 русский々")
    assert words == [
        "It",
        "'s",
        " ",
        *"中文字",
        ",",
        " ",
        *"〇〇",
        " (",
        "中",
        ")",
        " ",
        "1",
        "中",
        "2",
        ",",
        " ",
        "123",
        "45",
    ] + [
        " русский",
        "々",
    ]
    for text in drawn_texts(2_000, seed=2):
        text = regex.sub(r"\p{Han}", "", text)
        assert split_pattern("han").words(text) == split_pattern("llama3").words(text)


@given(text=texts_with_surrogates, size=st.integers(1, 12), name=st.sampled_from(PATTERN_NAMES))
def test_windows_do_not_change_the_words(text, size, name):
    split = split_pattern(name)
    windows = list(split.windows(text, size))
    assert "".join(windows) == text
    assert all(len(window) >= size for window in windows[:-1])
    assert [word for window in windows for word in split.words(window)] == split.words(text)


def test_windows_are_small_where_the_text_has_spaces():
    assert max(map(len, split_pattern("gpt2").windows("word " * 1000, 100))) <= 105


@given(texts_with_surrogates)
def test_a_string_stands_for_its_surrogatepass_bytes(text):
    words = split_pattern("gpt2").words(as_text(text))
    assert b"".join(map(word_bytes, words)) == text.encode("utf-8", "surrogatepass")
    assert as_text(text) == as_text(text.encode("utf-8", "surrogatepass"))


@given(byte_strings)
def test_bytes_stand_for_themselves(data):
    assert b"".join(map(word_bytes, split_pattern("gpt2").words(as_text(data)))) == data


@pytest.mark.parametrize("text", [None, 7, ["a"], memoryview(b"a")])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TypeError, match=f"a text is a str or bytes, not {type(text).__name__}"):
        as_text(text)


def test_unknown_pattern_is_refused_by_name():
    with pytest.raises(
        ValueError, match=r"unknown split pattern '\(a\+\)\+\$'; known: gpt2, cl100k, llama3, o200k, han"
    ):
        split_pattern("(a+)+$")


def test_importing_the_package_imports_neither_regex_nor_numpy():
    check = "import sys, lm, lm.tokenizer; print(sorted({'regex', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True).stdout == "[]\n"


def test_the_package_offers_its_public_names():
    import lm.tokenizer

    assert {"BPETokenizer", "train_bpe", "load_tokenizer"} <= set(dir(lm.tokenizer))
    for name in lm.tokenizer.__all__:
        assert getattr(lm.tokenizer, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'NoTokenizer'"):
        lm.tokenizer.NoTokenizer  # noqa: B018
