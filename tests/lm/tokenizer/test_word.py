"""Words as tokens: what is a word, what is frequent enough, and a file that comes back."""

import pytest

from lm.tokenizer import WordTokenizer, load_tokenizer, save_tokenizer, train_words


def test_words_are_letters_in_lower_case_and_sentences_end():
    tokenizer = train_words(["Don't stop; un-do it! It's 42.\n\nÉté\nété"], min_count=1)
    assert set(tokenizer.words) == {"don't", "stop", "un-do", "it", "it's", "été"}
    ids = tokenizer.encode("Stop it. Été\n\nit 3.5 nowhere")
    assert [tokenizer.word(id) for id in ids] == ["stop", "it", "</s>", "été", "</s>", "it", "<unk>"]


def test_the_frequent_come_first_and_the_rare_have_no_id():
    tokenizer = train_words(["c c c b b b a a x"], min_count=2)
    assert tokenizer.words == ("b", "c", "a")
    assert tokenizer.encode("a x b") == [4, 0, 2]
    assert train_words(["c c c b b b a a x"], 2, vocab_size=4).words == ("b", "c")


def test_a_text_without_frequent_words_is_refused():
    with pytest.raises(ValueError, match="no two words of the text occur 5 times"):
        train_words(["a b c a a a a a"])


def test_a_file_comes_back(tmp_path):
    tokenizer = train_words(["one two two three ✓ x'y’z"], min_count=1)
    save_tokenizer(tokenizer, tmp_path / "t.json")
    back = load_tokenizer(tmp_path / "t.json")
    assert isinstance(back, WordTokenizer) and back.words == tokenizer.words


@pytest.mark.parametrize("words", ['["a", "a"]', '["<unk>"]', '[""]', "[1]", '"ab"'])
def test_a_file_of_no_words_is_refused(tmp_path, words):
    document = f'{{"format": "minigrad-tokenizer", "version": 1, "type": "word", "words": {words}}}'
    (tmp_path / "t.json").write_text(document)
    with pytest.raises(ValueError, match="words"):
        load_tokenizer(tmp_path / "t.json")


def test_ids_outside_the_vocabulary_are_refused():
    with pytest.raises(ValueError, match=r"token id 4 is outside 0 \.\. 3"):
        WordTokenizer(["a", "b"]).decode([4])


def test_decoding_gives_a_line_for_each_sentence():
    tokenizer = WordTokenizer(["a", "b"])
    assert tokenizer.decode([2, 3, 1, 0, 1]) == "a b\n<unk>"
    assert tokenizer.decode_bytes([2]) == b"a"
    assert tokenizer.encode_to_array("a b").tolist() == [2, 3]


@pytest.mark.parametrize("ids, text", [([1, 2, 3], "a b"), ([2, 1, 1, 3, 1], "a\nb"), ([1], ""), ([2, 1, 3], "a\nb")])
def test_an_end_ends_a_line_wherever_it_stands(ids, text):
    assert WordTokenizer(["a", "b"]).decode(ids) == text
