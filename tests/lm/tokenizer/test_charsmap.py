import base64
import json
import struct
from pathlib import Path

import pytest

from lm.tokenizer.charsmap import Precompiled

CASES = json.loads((Path(__file__).parent / "formats" / "expected.json").read_text())["cases"]
SMALL = base64.b64decode(CASES["t5"]["document"]["normalizer"]["precompiled_charsmap"])


@pytest.fixture
def charsmap():
    return Precompiled(SMALL)


def test_the_table_of_the_rules_it_was_compiled_from(charsmap):
    assert charsmap("ﬁx ＡＢＣ…\t²\u3000\u200be\u0301") == "fix ABC... 2 é"
    assert charsmap("plain, nothing in it: 词 é") == "plain, nothing in it: 词 é"


def test_a_short_character_of_several_code_points_is_replaced_as_a_whole(charsmap):
    assert charsmap("e\u0301") == "é"  # a key of two code points
    assert charsmap("＂\u0301") == '"'  # six bytes less one: the key that begins it stands for all of it
    assert charsmap("Ａ\u3099") == "A\u3099"  # six bytes
    assert charsmap("a\r\nb") == "a b"
    assert charsmap("Ａ\u0301\u0302") == "A\u0301\u0302"  # longer: code point by code point


def test_ascii_is_replaced_as_other_text_is(charsmap):
    text = "".join(map(chr, range(128)))
    assert charsmap(text) == charsmap(text + "é")[:-1] == text.replace("\t", " ").replace("\r", " ")
    assert charsmap("\t\r\n") == charsmap("\t\r\né")[:-1] == "  "
    text = text.replace("\r", "")
    assert charsmap(text) == charsmap(text + "é")[:-1] == text.replace("\t", " ")


def test_texts_that_are_no_text(charsmap):
    assert charsmap("") == "" and charsmap("\ud800a") == "\ud800a" and charsmap("\x00") == "\x00"


def blob(units, replacements=b"\0"):
    trie = b"".join(struct.pack("<I", unit) for unit in units)
    return struct.pack("<I", len(trie)) + trie + replacements


@pytest.mark.parametrize("data", [b"", b"\0" * 8, SMALL[:100], b"\xff" * 50, blob([0])[:-2], b"\3\0\0\0" + b"\0" * 9])
def test_what_is_no_charsmap_is_refused(data):
    with pytest.raises(ValueError, match="cut off or no charsmap"):
        Precompiled(data)


def test_replacements_that_blow_up_a_text_are_refused():
    with pytest.raises(ValueError, match="more than 256 bytes"):
        Precompiled(blob([0], b"a" * 257 + b"\0"))


@pytest.mark.parametrize("unit", [0, 0x161, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000 | 0x161, 0x1FFFFF61, 0x761])
def test_a_trie_that_leads_nowhere_changes_nothing(unit):
    """Offsets beyond its end, values beyond the replacements: a text of any characters comes through."""
    text = "a b\x00é😀e\u0301"
    for size in (1, 2, 97, 600):
        assert isinstance(Precompiled(blob([unit] * size, b"x\0"))(text), str)
