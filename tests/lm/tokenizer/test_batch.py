import pytest

from lm.tokenizer import BPETokenizer, Template, encode_batch
from lm.tokenizer.templates import TEMPLATES, Part

BYTES = BPETokenizer([], special_tokens={"<pad>": 256, "<s>": 257})  # "a" is 64
AROUND = Template.parse("<s> $A", "<s> $A <s>:1 $B:1")


def rows(*args, **kwargs):
    return encode_batch(BYTES, *args, **kwargs).input_ids.tolist()


def test_texts_are_padded_to_the_longest():
    batch = encode_batch(BYTES, ["a", "", "bcd"])
    assert batch.input_ids.tolist() == [[64, 256, 256], [256, 256, 256], [65, 66, 67]]
    assert batch.attention_mask.tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert batch.special_tokens_mask.tolist() == [[0, 1, 1], [1, 1, 1], [0, 0, 0]]
    assert rows(["a", "bc"], padding_side="left") == [[256, 64], [65, 66]]
    assert rows(["a", "bc"], padding="max_length", max_length=3) == [[64, 256, 256], [65, 66, 256]]
    assert rows(["a"], pad_to_multiple_of=4) == [[64, 256, 256, 256]]
    assert rows(["a", "b"], padding=False) == [[64], [65]] and rows(["abc"], truncation=True, max_length=2) == [
        [64, 65]
    ]
    assert rows(["abc"], truncation=False) == rows(["abc"], padding=True) == [[64, 65, 66]]
    assert rows(["a", "bc"], pad_id=7) == [[64, 7], [65, 66]]


def test_no_texts_are_an_array_of_none():
    assert encode_batch(BYTES, []).input_ids.shape == (0, 0)


def test_pairs_stand_in_the_template():
    batch = encode_batch(BYTES, ["a", "bc"], ["d", "e"], template=AROUND)
    assert batch.input_ids.tolist() == [[257, 64, 257, 67, 256], [257, 65, 66, 257, 68]]
    assert batch.token_type_ids.tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]
    assert batch.special_tokens_mask.tolist() == [[1, 0, 1, 0, 1], [1, 0, 0, 1, 0]]
    assert rows(["a"], ["b"]) == [[64, 65]]


@pytest.mark.parametrize(
    ("truncation", "lengths"),
    [
        ("longest_first", [(3, 3), (1, 5), (5, 1), (3, 3), (2, 2)]),
        ("only_first", [(1, 5), (-1, 7), (5, 1), (2, 4), (2, 2)]),
        ("only_second", [(5, 1), (1, 5), (9, -3), (6, 0), (2, 2)]),
    ],
)
def test_pairs_are_cut_as_told(truncation, lengths):
    for (a, b), (kept_a, kept_b) in zip([(5, 5), (1, 7), (9, 1), (6, 4), (2, 2)], lengths):
        call = lambda: rows(["a" * a], ["b" * b], max_length=6, truncation=truncation)  # noqa: B023
        if min(kept_a, kept_b) < 0:
            with pytest.raises(ValueError, match=f"row 0 is {a + b - 6} tokens too long, more than {truncation}"):
                call()
        else:
            assert call() == [[64] * kept_a + [65] * kept_b]


def test_the_template_counts_and_stays():
    assert rows(["abcdef"], template=AROUND, max_length=3, truncation="longest_first") == [[257, 64, 65]]
    cut = {"template": AROUND, "max_length": 4, "truncation": "only_second", "truncation_side": "left"}
    assert rows(["a"], ["bcd"], **cut) == [[257, 64, 257, 67]]
    assert rows(["ab"], template=AROUND, max_length=1, truncation="longest_first") == [[257]]
    with pytest.raises(ValueError, match="leaves no room: the template alone has 1 tokens more"):
        rows(["ab"], template=AROUND, max_length=0, truncation="longest_first")


def test_the_special_tokens_of_texts_raise_unless_allowed():
    with pytest.raises(ValueError, match="the text holds '<s>'"):
        rows(["<s>"])
    assert rows(["<s>"], allowed_special="all") == [[257]]
    assert len(rows(["<s>"], disallowed_special=())[0]) == 3


@pytest.mark.parametrize(
    ("texts", "pairs", "arguments", "error", "message"),
    [
        ("text", None, {}, TypeError, "not one text"),
        (["a"], b"text", {}, TypeError, "not one text"),
        (["a"], ["b", "c"], {}, ValueError, "1 texts and 2 to pair them with"),
        (["abc"], None, {"max_length": 2}, ValueError, "row 0 has 1 tokens more than max_length: pass truncation"),
        (["a"], None, {"truncation": "longest_first"}, ValueError, "need max_length"),
        (["a"], None, {"padding": "max_length"}, ValueError, "need max_length"),
        (
            ["a"],
            None,
            {"truncation": "both", "max_length": 1},
            ValueError,
            "truncation is one of None, 'longest_first'",
        ),
        (["a", "bc"], None, {"padding": False}, ValueError, "different lengths, .*; pass padding=True"),
        (["a"], None, {"padding_side": "both"}, ValueError, "padding_side is one of 'left', 'right', not 'both'"),
        (["a"], None, {"pad_to_multiple_of": 0}, ValueError, "pad_to_multiple_of 0"),
        (["a"], None, {"max_length": -1, "truncation": "only_first"}, ValueError, "max_length -1"),
        (["ab"], None, {"max_length": 1, "truncation": "only_second"}, ValueError, "1 tokens too long"),
        (["a"], None, {"template": TEMPLATES["bert"]}, ValueError, r"the template has '\[CLS\]', which is no special"),
    ],
)
def test_what_makes_no_sense_is_an_error(texts, pairs, arguments, error, message):
    with pytest.raises(error, match=message):
        encode_batch(BYTES, texts, pairs, **arguments)


def test_padding_needs_a_token():
    assert encode_batch(BPETokenizer([]), ["a", "b"]).input_ids.tolist() == [[64], [65]]
    with pytest.raises(ValueError, match="has no token for it: pass pad_id"):
        encode_batch(BPETokenizer([]), ["a", "bc"])


@pytest.mark.parametrize(("single", "pair"), [("[CLS]", "$A $B"), ("$A $A", "$A $B"), ("$A", "$A"), ("$B", "$A $B")])
def test_a_template_holds_each_text_once(single, pair):
    with pytest.raises(ValueError, match=r"does not hold .* once"):
        Template.parse(single, pair)


def test_templates_are_parsed():
    assert Template.parse("a:b:1 $A", "$B:7 $A x:").pair == (Part("$B", 7), Part("$A"), Part("x:"))
    assert Template.parse("a:b:1 $A", "$A $B").single == (Part("a:b", 1), Part("$A"))
    roberta = TEMPLATES["roberta"].fill({"<s>": 0, "</s>": 2}, [5], [6])
    assert roberta == ([0, 5, 2, 2, 6, 2], [0] * 6, [1, 0, 1, 1, 0, 1])
