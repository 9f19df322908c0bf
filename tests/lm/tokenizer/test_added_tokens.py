import pytest

from lm.tokenizer.added_tokens import AddedToken, AddedTokens


def split(text, *tokens, allowed=None, normalize=str):
    found = AddedTokens(tokens, normalize)
    allowed = frozenset(found.special if allowed is None else allowed)
    return [part if isinstance(part, str) else part.id for part in found.split(text, allowed)]


def test_the_parts_between_tokens_are_kept_in_order():
    a, b = AddedToken("<a>", 1), AddedToken("<b>", 2)
    assert split("x<a>y<b><a>", a, b) == ["x", 1, "y", 2, 1]
    assert split("<a>", a, b) == [1] and split("", a) == [] and split("xyz") == ["xyz"]


def test_the_longest_of_tokens_at_one_place_is_found():
    assert split("<a><a>x", AddedToken("<a>", 1), AddedToken("<a><a>", 2)) == [2, "x"]
    assert split("<a><a>x", AddedToken("<a><a>", 2), AddedToken("<a>", 1)) == [2, "x"]


def test_a_spelling_is_no_pattern():
    assert split("xx.*|", AddedToken(".*|", 1)) == ["xx", 1]


def test_special_tokens_that_are_not_allowed_are_text():
    special, other = AddedToken("<s>", 1), AddedToken("new", 2, special=False)
    assert split("<s>new", special, other, allowed=[]) == ["<s>", 2]
    assert split("<s>new", special, other) == [1, 2]


def test_white_space_goes_with_tokens_that_take_it():
    left, right = AddedToken("<l>", 1, lstrip=True), AddedToken("<r>", 2, rstrip=True)
    assert split("a \t<l> b", left) == ["a", 1, " b"]
    assert split("a <r>\u3000\n b", right) == ["a ", 2, "b"]
    assert split("<r>  <l>", left, right) == [2, 1]
    assert split(" <l>", left) == [1] and split("<r> ", right) == [2]
    assert split("a\x1c<l>", left) == ["a\x1c", 1]  # which str.isspace takes for white space


def test_single_words_are_found_where_no_word_character_touches_them():
    token = AddedToken("ing", 1, single_word=True)
    assert split("ing sing ing, ing_ (ing)", token) == [1, " sing ", 1, ", ing_ (", 1, ")"]


def test_normalized_tokens_are_looked_for_after_normalization():
    plain, normalized = AddedToken("<A>", 1), AddedToken("WORD", 2, normalized=True, special=False)
    assert split("<A>Word<a>", plain, normalized, normalize=str.lower) == [1, 2, "<a>"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([AddedToken("a", 1), AddedToken("a", 2)], "'a' is there twice"),
        ([AddedToken("a", 1), AddedToken("b", 1)], "'a' and 'b' have the same id 1"),
    ],
)
def test_tokens_that_clash_are_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        AddedTokens(tokens, str)


@pytest.mark.parametrize(("content", "message"), [("", "no spelling"), ("\ud800", "lone surrogate")])
def test_a_token_needs_a_spelling(content, message):
    with pytest.raises(ValueError, match=message):
        AddedToken(content, 0)
