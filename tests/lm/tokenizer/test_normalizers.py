import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.tokenizer.bert_characters import HAN, NONSPACING_MARKS, PUNCTUATION, REMOVED, CodePoints
from lm.tokenizer.normalizers import (
    KEEP,
    NFC,
    NFD,
    NFKC,
    NFKD,
    BertNormalizer,
    Lowercase,
    Prepend,
    Replace,
    Sequence,
)  # fmt: skip
from lm.tokenizer.translation import Translation


@pytest.mark.parametrize("form", [NFC, NFD, NFKC, NFKD])
@given(st.text(max_size=20))
@settings(max_examples=50, derandomize=True)
def test_unicode_forms(form, text):
    assert form()(text) == unicodedata.normalize(form.__name__, text)


def test_lower_case_knows_no_final_sigma():
    assert Lowercase()("ΌΣΟΣ") == "όσοσ" != "ΌΣΟΣ".lower()
    assert Lowercase()("İX") == "i̇x"


def test_small_steps():
    assert Replace(".*", "x")("a.*.*b") == "axxb"
    assert Prepend("▁")("a") == "▁a" and Prepend("▁")("") == ""
    assert Sequence((Lowercase(), Prepend("A")))("B") == "Ab" and KEEP("Ä") == "Ä"


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        ({}, "Héllo\u200bWÖRLD\x00", "helloworld"),
        ({"lowercase": False}, "Héllo", "Héllo"),
        ({"lowercase": False, "strip_accents": True}, "Héllo", "Hello"),
        ({"strip_accents": False}, "Héllo", "héllo"),
        ({}, "a北b", "a 北 b"),
        ({"handle_chinese_chars": False}, "a北b", "a北b"),
        ({"clean_text": False}, "a\tb\x00", "a\tb\x00"),
        ({}, "a\t\u3000\r\nb", "a    b"),
        ({}, "a\x0b\x0c\x1c\x85b", "ab"),  # control characters, for all that they are white space too
        ({}, "カ\u3099", "カ"),
    ],
)
def test_bert(settings, text, expected):
    assert BertNormalizer(**settings)(text) == expected


def test_the_character_classes_differ_from_this_pythons_by_later_characters_alone():
    """Of what Unicode 7 had; its categories have hardly been touched since."""

    def category(code):
        return unicodedata.category(chr(code))

    for code in [*range(0x20, 0x530), *range(0x2000, 0x2E00), *range(0x3000, 0x9FCC), *range(0xFB00, 0xFE00)]:
        ascii_symbol = code < 0x80 and category(code)[0] == "S"
        assert (code in PUNCTUATION) == (category(code)[0] == "P" or ascii_symbol), hex(code)
        assert (code in NONSPACING_MARKS) == (category(code) == "Mn"), hex(code)
        assert (code in REMOVED) == (category(code) in ("Cc", "Cf", "Co") and code not in (0x2065,)), hex(code)
    assert 0xFFFD in REMOVED and 0 in REMOVED and 9 not in REMOVED and 0x10FFFD in REMOVED
    assert 0x4E00 in HAN and 0x9FFF in HAN and 0xA000 not in HAN and 0x3042 not in HAN and 0x2B820 not in HAN


def test_ranges_hold_their_ends():
    ranges = CodePoints("5 8-a")
    assert [code for code in range(16) if code in ranges] == [5, 8, 9, 10]


def test_translations_remember_a_bounded_number():
    table = Translation(str.upper)
    assert "äé".translate(table) == "ÄÉ" and len(table) == 2
    "".join(map(chr, range(0x10000))).translate(table)
    assert "".join(map(chr, range(0x10000, 0x10100))).translate(table) and len(table) <= 1 << 16
