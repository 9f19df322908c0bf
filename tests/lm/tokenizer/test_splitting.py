import subprocess
import sys

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer.splitting import PATTERN_NAMES, as_text, split_pattern, word_bytes

from .texts import byte_strings, drawn_texts, texts_with_surrogates

# encoder.py of OpenAI's GPT-2 release, as it is written there
GPT2 = regex.compile(r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")


@given(texts_with_surrogates)
def test_gpt2_pattern_cuts_as_the_original_does(text):
    assert split_pattern("gpt2").words(text) == GPT2.findall(text)


def test_gpt2_pattern_cuts_ten_thousand_texts_as_the_original_does():
    for text in drawn_texts(10_000, seed=1):
        assert split_pattern("gpt2").words(text) == GPT2.findall(text)


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


def test_unknown_pattern_is_refused_by_name():
    with pytest.raises(ValueError, match=r"unknown split pattern '\(a\+\)\+\$'; known: gpt2"):
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
