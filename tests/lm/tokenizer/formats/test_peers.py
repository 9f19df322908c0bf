"""Against the installed libraries: what we write they load, what they write we load, and all ids are equal.

Skipped where tokenizers, transformers, tiktoken and sentencepiece are not installed. `-m slow` compares 10,000 texts.
"""

import json
import sys
from types import SimpleNamespace

import pytest

from lm.tokenizer import encode_batch, load_tokenizer, save_tokenizer, train_bpe, train_wordpiece
from lm.tokenizer.byte_level import unspell
from lm.tokenizer.formats import tiktoken as tiktoken_format
from lm.tokenizer.formats.huggingface_parts import published_pattern

from .corpus import sample_texts, training_lines

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")
tiktoken = pytest.importorskip("tiktoken")
tiktoken_load = pytest.importorskip("tiktoken.load")
openai_public = pytest.importorskip("tiktoken_ext.openai_public")
pytest.importorskip("sentencepiece")

from . import peers  # noqa: E402  it needs all of them

LINES = training_lines()
ENGLISH, MIXED, HAN = LINES[::3], LINES, LINES[2::3]
VOCABULARIES = {  # lines, size, split pattern, special tokens
    "english": (ENGLISH, 1000, "gpt2", ["<|endoftext|>"]),
    "mixed": (MIXED, 1500, "cl100k", ["<|endoftext|>", "<s>", "</s>"]),
    "han": (HAN, 1200, "han", []),
    "large": (MIXED, 3000, "o200k", ["<pad>", "<|endoftext|>"]),
}
BASES = {
    "gpt2": "r50k_base",
    "cl100k": "cl100k_base",
    "o200k": "o200k_base",
}  # pattern: tiktoken's encoding that has it
COUNTS = [pytest.param(200, id="200"), pytest.param(10_000, id="10000", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def trained():
    """(name, pattern) -> (ours, theirs), trained apart on the same lines; each once."""
    made = {}

    def trained(name, pattern=None):
        lines, size, own_pattern, special = VOCABULARIES[name]
        key = name, pattern or own_pattern
        if key not in made:
            ours = train_bpe(lines, size, special_tokens=special, pattern=key[1])
            made[key] = ours, peers.bpe(lines, size, key[1], special, ignore_merges=name == "large")
        return made[key]

    return trained


def equal(count, encode, peer_encode):
    for text in sample_texts(count, special=True):
        assert encode(text) == peer_encode(text), text


def ours(tokenizer):
    return lambda text: tokenizer.encode(text, allowed_special="all")


def theirs(peer):
    return lambda text: peer.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", VOCABULARIES)
def test_tokenizer_json_both_ways(name, count, trained, tmp_path):
    tokenizer, peer = trained(name)
    save_tokenizer(tokenizer, tmp_path / "a" / "tokenizer.json", "huggingface")
    equal(count, ours(tokenizer), theirs(tokenizers.Tokenizer.from_file(str(tmp_path / "a" / "tokenizer.json"))))
    peer.save(str(tmp_path / "b.json"))
    equal(count, ours(load_tokenizer(tmp_path / "b.json")), theirs(peer))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", VOCABULARIES)
def test_vocab_json_and_merges_txt_both_ways(name, count, trained, tmp_path):
    tokenizer, peer = trained(name, "gpt2")

    def from_files(folder):
        model = tokenizers.models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
        read = tokenizers.Tokenizer(model)
        read.pre_tokenizer = peers.byte_split("gpt2")
        read.add_special_tokens(VOCABULARIES[name][3])
        return read

    save_tokenizer(tokenizer, tmp_path / "a", "gpt2")
    equal(count, ours(tokenizer), theirs(from_files(tmp_path / "a")))
    (tmp_path / "b").mkdir()
    peer.model.save(str(tmp_path / "b"))
    equal(count, ours(load_tokenizer(tmp_path / "b")), theirs(from_files(tmp_path / "b")))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", VOCABULARIES)
def test_tiktoken_both_ways(name, count, trained, tmp_path, monkeypatch):
    tokenizer, peer = trained(name)
    pattern, special = VOCABULARIES[name][2:]
    theirs = published_pattern(pattern)
    if pattern in BASES:
        monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: {})  # from the network
        theirs = openai_public.ENCODING_CONSTRUCTORS[BASES[pattern]]()["pat_str"]

    def encoding(path, special_tokens):
        ranks = tiktoken_load.load_tiktoken_bpe(str(path))
        read = tiktoken.Encoding("x", pat_str=theirs, mergeable_ranks=ranks, special_tokens=special_tokens)
        return lambda text: read.encode(text, allowed_special="all")

    save_tokenizer(tokenizer, tmp_path / "a.tiktoken", "tiktoken")
    equal(count, ours(tokenizer), encoding(tmp_path / "a.tiktoken", dict(tokenizer.special_tokens)))
    vocabulary = peer.get_vocab()
    ranks = {unspell(token): id for token, id in vocabulary.items() if token not in special}
    monkeypatch.setitem(sys.modules, "blobfile", SimpleNamespace(BlobFile=open))  # its writer asks for it
    tiktoken_load.dump_tiktoken_bpe(ranks, str(tmp_path / "b.tiktoken"))
    special_tokens = {token: vocabulary[token] for token in special}
    beside = tiktoken_format.beside(tmp_path / "b.tiktoken")
    beside.write_text(json.dumps({"pattern": pattern, "special_tokens": special_tokens}))
    equal(count, ours(load_tokenizer(tmp_path / "b.tiktoken")), encoding(tmp_path / "b.tiktoken", special_tokens))


@pytest.mark.parametrize("count", COUNTS)
def test_roberta_both_ways(count, tmp_path):
    peer = peers.roberta(MIXED, 1500)
    peer.save(str(tmp_path / "a.json"))
    tokenizer = load_tokenizer(tmp_path / "a.json")
    equal(count, ours(tokenizer), theirs(peer))
    save_tokenizer(tokenizer, tmp_path / "b.json", "huggingface")
    equal(count, ours(tokenizer), theirs(tokenizers.Tokenizer.from_file(str(tmp_path / "b.json"))))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("lowercase", [True, False])
def test_wordpiece_is_transformers_bert_tokenizer(count, lowercase, tmp_path):
    peers.bert(MIXED, 2000).model.save(str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lowercase}))
    tokenizer = load_tokenizer(tmp_path)
    peer = transformers.BertTokenizer.from_pretrained(tmp_path)
    texts = sample_texts(count, special=True)
    for start in range(0, count, 100):
        some = texts[start : start + 100]
        batch = encode_batch(tokenizer, some, some[::-1], allowed_special="all")
        for name, array in peer(some, some[::-1], padding=True).items():
            assert getattr(batch, name).tolist() == array
    equal(count, ours(tokenizer), lambda text: peer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("count", COUNTS)
def test_wordpiece_that_we_learn_is_loaded_by_transformers(count, tmp_path):
    tokenizer = train_wordpiece(MIXED, 2000)
    save_tokenizer(tokenizer, tmp_path, "bert")
    peer = transformers.BertTokenizer.from_pretrained(tmp_path)
    equal(count, ours(tokenizer), lambda text: peer(text, add_special_tokens=False)["input_ids"])


def test_wordpiece_that_we_learn_is_nearly_that_of_tokenizers():
    """It can not be equal: the library's alphabet has another order each time, and equals are joined by it."""
    ours = set(train_wordpiece(MIXED, 2000, limit_alphabet=300).model.vocabulary)
    theirs = set(peers.bert(MIXED, 2000).get_vocab())
    assert len(ours & theirs) > 0.97 * len(ours | theirs)


@pytest.mark.parametrize("count", COUNTS)
def test_unigram_is_transformers_t5_tokenizer(count, tmp_path):
    pieces, charsmap = peers.t5(MIXED, 2000, normalization_rule_name="nmt_nfkc")
    peer = transformers.T5Tokenizer(vocab=pieces, _spm_precompiled_charsmap=charsmap)
    peer.backend_tokenizer.save(str(tmp_path / "a.json"))
    tokenizer = load_tokenizer(tmp_path / "a.json")
    equal(count, ours(tokenizer), lambda text: peer(text, add_special_tokens=False)["input_ids"])
    save_tokenizer(tokenizer, tmp_path / "b.json", "huggingface")
    equal(count, ours(tokenizer), theirs(tokenizers.Tokenizer.from_file(str(tmp_path / "b.json"))))


def test_the_character_classes_of_bert_are_those_of_tokenizers():
    from lm.tokenizer.normalizers import BertNormalizer
    from lm.tokenizer.wordpiece import bert_words

    newer = set()  # what Unicode gave this Python and the library at different times
    normalize = BertNormalizer()
    peer = tokenizers.normalizers.BertNormalizer()
    cut = tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    for code in [*range(0xD800), *range(0xE000, 0x110000)]:
        text = f"a{chr(code)}b"
        if normalize(text) != peer.normalize_str(text):
            newer.add(code)
        assert bert_words(text) == [word for word, _ in cut(text)], hex(code)
    assert len(newer) < 300 and min(newer) > 0x1000
