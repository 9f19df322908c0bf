"""Small vocabularies trained by other libraries: what the expected values are made with, and the live comparisons."""

import io
import json
import random
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from lm.tokenizer.formats.huggingface_parts import published_pattern

from .corpus import training_lines
from .sentencepiece_model import pieces_and_charsmap

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BYTES = pre_tokenizers.ByteLevel.alphabet()


def byte_split(pattern):
    if pattern == "gpt2":
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    split = pre_tokenizers.Split(Regex(published_pattern(pattern)), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def bpe(lines, size, pattern="gpt2", specials=("<|endoftext|>",), **model):
    peer = Tokenizer(models.BPE(**model))
    peer.pre_tokenizer, peer.decoder = byte_split(pattern), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=BYTES, show_progress=False
    )
    peer.train_from_iterator(lines, trainer)
    return peer


def roberta(lines, size):
    """BPE under shuffled ids, with RoBERTa's special tokens, and with other tokens found in the text."""
    document = json.loads(bpe(lines, size, specials=()).to_str())
    tokens = list(document["model"]["vocab"])
    random.Random(3).shuffle(tokens)
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *tokens, "madeupword", "<mask>"]
    document["model"]["vocab"] = {token: id for id, token in enumerate(tokens)}
    document["pre_tokenizer"]["add_prefix_space"] = True
    peer = Tokenizer.from_str(json.dumps(document))
    peer.add_special_tokens([AddedToken(token, special=True) for token in tokens[:4]])
    peer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    peer.add_tokens([AddedToken("ing", single_word=True), AddedToken("THE", rstrip=True), "12"])
    peer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return peer


def bert(lines, size, lowercase=True):
    peer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    peer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    peer.pre_tokenizer, peer.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=BERT, limit_alphabet=300, show_progress=False)
    peer.train_from_iterator(lines, trainer)
    pair = "[CLS] $A [SEP] $B:1 [SEP]:1"
    peer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=pair, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return peer


def t5(lines, size, **sentencepiece_options):
    """(pieces with scores, charsmap) of a Unigram vocabulary with T5's special tokens, by sentencepiece."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line.strip() for line in lines if line.strip()), model_writer=model, vocab_size=size,
        model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2, **sentencepiece_options,
    )  # fmt: skip
    pieces, charsmap = pieces_and_charsmap(model.getvalue())
    return [*pieces, *((f"<extra_id_{i}>", 0.0) for i in reversed(range(100)))], charsmap


def t5_pipeline(pieces, charsmap):
    """What `transformers.T5Tokenizer` builds of them."""
    peer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=False))
    peer.normalizer = normalizers.Precompiled(charsmap)
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    peer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    peer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    peer.add_special_tokens([piece for piece, _ in pieces[:3] + pieces[-100:]])
    peer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return peer


def small():
    """name -> a small tokenizer of `tokenizers`, for the committed files."""
    lines = training_lines(400)
    # What the characters of NFKC become is too much for a committed file: some of it, and a code point pair.
    rules = [
        ("ﬁ", "fi"),
        ("\t", " "),
        ("\r", " "),
        ("\u3000", " "),
        ("\u200b", ""),
        ("…", "..."),
        ("e\u0301", "é"),
        ("²", "2"),
    ]
    rules += [(chr(0xFF01 + i), chr(0x21 + i)) for i in range(94)]
    with tempfile.TemporaryDirectory() as folder:
        rules_file = Path(folder, "rules.tsv")
        rules_file.write_text("".join(f"{_hex(source)}\t{_hex(target)}\n" for source, target in dict(rules).items()))
        pieces, charsmap = t5(lines, 500, normalization_rule_tsv=str(rules_file), character_coverage=0.98)
    return {
        "gpt2": bpe(lines, 420),
        "cl100k": bpe(lines, 420, "cl100k", ["<|endoftext|>", "<s>"], ignore_merges=True),
        "llama3": bpe(lines, 400, "llama3", ["<|begin_of_text|>"], ignore_merges=True),
        "o200k": bpe(lines, 400, "o200k"),
        "han": bpe(lines, 400, "han"),
        "roberta": roberta(lines, 400),
        "bert": bert(lines, 700),
        "bert, cased": bert(lines, 700, lowercase=False),
        "t5": t5_pipeline(pieces, charsmap),
    }


def _hex(text):
    return " ".join(f"{ord(character):X}" for character in text)


VERSION = tokenizers.__version__
