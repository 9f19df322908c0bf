"""Variants of folders: older names and spellings, bfloat16, shards, heads that come and go, tokenizers."""

import json
import shutil

import numpy as np
import pytest

import minigrad as mg
from lm.generation import GenerationConfig
from lm.hub import load_pretrained, save_pretrained
from lm.hub.configs import read_config
from lm.models import GPT2, BertForMaskedLM, BertForTokenClassification, GPT2Config, Rope
from lm.tokenizer import CharacterTokenizer, train_bpe
from tests.lm.hub.cases import FOLDERS


def copy(name, tmp_path):
    return shutil.copytree(FOLDERS / name, tmp_path / name)


def rename(folder, new_name):
    arrays = mg.load_file(folder / "model.safetensors")
    mg.save_file({new_name(name): array for name, array in arrays.items()}, folder / "model.safetensors")


def assert_same(model, other):
    for (name, ours), (_, theirs) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=name)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("gpt2", "transformer."), ("llama", "model."), ("bert-masked", "bert."), ("roberta", "roberta.")],
)
def test_the_prefix_of_the_trunk_may_be_missing(name, prefix, tmp_path):
    folder = copy(name, tmp_path)
    rename(folder, lambda tensor: tensor.removeprefix(prefix))
    assert_same(load_pretrained(folder).model, load_pretrained(FOLDERS / name).model)


def test_gamma_and_beta_are_weight_and_bias_of_a_norm(tmp_path):
    folder = copy("bert", tmp_path)
    rename(
        folder, lambda n: n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    )
    assert_same(load_pretrained(folder).model, load_pretrained(FOLDERS / "bert").model)


def test_tensors_that_are_no_weights_and_copies_of_tied_ones_are_left_out(tmp_path):
    folder = copy("gpt2", tmp_path)
    arrays = mg.load_file(folder / "model.safetensors")
    arrays["transformer.h.0.attn.bias"] = np.tri(32, dtype=np.float32)[None, None]
    arrays["transformer.h.1.attn.masked_bias"] = np.float32(-1e4)[None]
    arrays["lm_head.weight"] = arrays["transformer.wte.weight"]
    mg.save_file(arrays, folder / "model.safetensors")
    assert_same(load_pretrained(folder).model, load_pretrained(FOLDERS / "gpt2").model)


def test_bfloat16_is_widened_exactly(tmp_path):
    folder = copy("llama", tmp_path)
    arrays = mg.load_file(folder / "model.safetensors")
    header, data, wide = {"__metadata__": {"format": "pt"}}, b"", {}
    for name, array in arrays.items():
        upper = (array.view(np.uint32) >> 16).astype("<u2")
        wide[name] = (upper.astype(np.uint32) << 16).view(np.float32)
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": (len(data), len(data) + upper.nbytes)}
        data += upper.tobytes()
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    model = load_pretrained(folder).model
    np.testing.assert_array_equal(model.embed_tokens.weight.detach().numpy(), wide["model.embed_tokens.weight"])
    assert {parameter.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}


def test_shards_hold_what_one_file_holds(tmp_path):
    model, _, generation = load_pretrained(FOLDERS / "gpt2")
    save_pretrained(model, None, tmp_path, generation, max_shard_bytes=8000)
    assert not (tmp_path / "model.safetensors").exists() and len([*tmp_path.glob("model-*.safetensors")]) > 2
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(p.data.nbytes for p in model.parameters())
    assert_same(load_pretrained(tmp_path).model, model)


@pytest.mark.parametrize(
    ("name", "scaling"),
    [
        ("llama", None),
        ("llama-grouped-tied-linear", {"type": "linear", "factor": 4.0}),
        ("llama-grouped-llama3", {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        }),
    ],
)  # fmt: skip
def test_the_spelling_of_transformers_4_means_the_same(name, scaling, tmp_path):
    folder = copy(name, tmp_path)
    document = json.loads((folder / "config.json").read_text())
    del document["rope_parameters"], document["dtype"]
    old = {"rope_theta": 100.0, "rope_scaling": scaling, "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(document | old))
    assert load_pretrained(folder).model.config == load_pretrained(FOLDERS / name).model.config


def test_what_the_configuration_of_a_roberta_leaves_out_is_the_default_of_transformers(tmp_path):
    """Which is not what the published models have, so their files say it."""
    folder = copy("roberta", tmp_path)
    document = json.loads((folder / "config.json").read_text())
    left_out = {"max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12}
    document = {name: value for name, value in document.items() if name not in left_out}
    _, _, config = read_config(document)
    assert {name: getattr(config, name) for name in left_out} == left_out


def test_both_spellings_are_written(tmp_path):
    model, _, _ = load_pretrained(FOLDERS / "llama-grouped-tied-linear")
    save_pretrained(model, None, tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    assert document["rope_theta"] == document["rope_parameters"]["rope_theta"] == 100.0
    assert document["rope_scaling"] == {"rope_type": "linear", "factor": 4.0}
    assert document["dtype"] == document["torch_dtype"] == "float32"
    assert model.config.rope == Rope(100.0, "linear", 4.0)


@pytest.mark.parametrize("name", ["t5-v1.1", "t5"])
def test_the_t5_of_transformers_4_is_tied_if_it_says_so(name, tmp_path):
    folder = copy(name, tmp_path)
    document = json.loads((folder / "config.json").read_text())
    del document["scale_decoder_outputs"]
    (folder / "config.json").write_text(json.dumps(document | {"tie_word_embeddings": name == "t5"}))
    assert load_pretrained(folder).model.config == load_pretrained(FOLDERS / name).model.config


def test_another_head_starts_fresh_on_the_same_trunk():
    mg.manual_seed(0)
    before = load_pretrained(FOLDERS / "bert").model
    after = load_pretrained(FOLDERS / "bert", architecture="BertForTokenClassification").model
    assert isinstance(after, BertForTokenClassification)
    trunk = {name: value.numpy() for name, value in before.bert.state_dict().items() if not name.startswith("pooler")}
    assert trunk.keys() == after.bert.state_dict().keys()
    for name, value in after.bert.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), trunk[name], err_msg=name)
    assert (
        0.01 < after.classifier.weight.detach().numpy().std() < 0.04
        and (after.classifier.bias.detach().numpy() == 0).all()
    )
    after.classifier.weight.data[...] = 1  # it can be trained


def test_a_trunk_alone_serves_every_head():
    mg.manual_seed(0)
    model = load_pretrained(FOLDERS / "bert-trunk", architecture="BertForSequenceClassification").model
    bare = load_pretrained(FOLDERS / "bert-trunk").model
    assert_same(model.bert, bare)


def test_a_pooler_that_the_file_lacks_starts_fresh():
    mg.manual_seed(0)
    model = load_pretrained(FOLDERS / "bert-masked", architecture="BertForNextSentencePrediction").model
    assert 0.01 < model.bert.pooler.weight.detach().numpy().std() < 0.04


def test_heads_that_a_file_has_beside_its_own_are_left_out_with_a_warning(tmp_path):
    folder = copy("bert", tmp_path)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": ["BertForMaskedLM"]}))
    with pytest.warns(UserWarning, match=r"no bert\.pooler\.dense\.bias, .*cls\.seq_relationship\.weight: left out"):
        assert isinstance(load_pretrained(folder).model, BertForMaskedLM)


def test_the_number_of_labels_is_kept(tmp_path):
    model, _, _ = load_pretrained(FOLDERS / "bert-token")
    assert model.config.num_labels == 3
    save_pretrained(model, None, tmp_path)
    assert load_pretrained(tmp_path).model.config.num_labels == 3


def test_a_gpt2_without_biases_is_written_with_zeros(tmp_path):
    mg.manual_seed(0)
    model = GPT2(GPT2Config(vocab_size=7, n_positions=6, n_embd=8, n_layer=2, n_head=2, bias=False)).eval()
    save_pretrained(model, None, tmp_path)
    read = load_pretrained(tmp_path).model
    assert {name for name, _ in read.named_parameters()} - {name for name, _ in model.named_parameters()} == {
        name for name, _ in read.named_parameters() if name.endswith("bias")
    }
    ids = mg.tensor([[1, 2, 3, 4]])
    np.testing.assert_allclose(read(ids).detach().numpy(), model(ids).detach().numpy(), rtol=0, atol=1e-7)


def test_settings_and_special_tokens_are_kept(tmp_path):
    model, _, _ = load_pretrained(FOLDERS / "t5")
    settings = GenerationConfig(num_beams=4, length_penalty=0.6, bad_words_ids=((3, 4), (5,)), eos_token_id=(1, 2))
    save_pretrained(model, None, tmp_path, settings)
    assert load_pretrained(tmp_path).generation == GenerationConfig(
        num_beams=4, length_penalty=0.6, bad_words_ids=((3, 4), (5,)), eos_token_id=(1, 2), pad_token_id=0,
        decoder_start_token_id=0,
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------- tokenizers


def small_gpt2(vocab_size):
    return GPT2(GPT2Config(vocab_size=vocab_size, n_positions=16, n_embd=4, n_layer=1, n_head=1))


@pytest.fixture(scope="module")
def bpe():
    return train_bpe(["the cat sat on the mat. " * 20], 264, special_tokens=["<|endoftext|>"])


def test_a_tokenizer_comes_back_with_its_model(bpe, tmp_path):
    end = bpe.eot_token
    save_pretrained(small_gpt2(bpe.vocab_size), bpe, tmp_path, GenerationConfig(eos_token_id=end))
    _, tokenizer, generation = load_pretrained(tmp_path)
    text = "the mat sat, ünlike the cat"
    assert tokenizer.encode(text) == bpe.encode(text) and tokenizer.eot_token == generation.eos_token_id == end


def test_transformers_reads_the_tokenizer_beside_our_models(bpe, tmp_path):
    transformers = pytest.importorskip("transformers")
    end = bpe.eot_token
    save_pretrained(small_gpt2(bpe.vocab_size), bpe, tmp_path, GenerationConfig(eos_token_id=end))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    text = "the mat sat, ünlike the cat"
    assert theirs(text)["input_ids"] == bpe.encode(text)
    assert theirs.eos_token == "<|endoftext|>" and theirs.model_max_length == 16


def test_a_character_tokenizer_is_kept_in_our_own_format(tmp_path):
    tokenizer = CharacterTokenizer("abc ")
    with pytest.warns(UserWarning, match=r"tokenizer\.minigrad\.json"):
        save_pretrained(small_gpt2(4), tokenizer, tmp_path)
    assert load_pretrained(tmp_path).tokenizer.characters == tokenizer.characters


def test_a_tokenizer_of_an_unknown_kind_is_left_out_with_a_warning(tmp_path):
    save_pretrained(small_gpt2(4), None, tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "Mystery"}}')
    with pytest.warns(UserWarning, match="the tokenizer is left out: "):
        assert load_pretrained(tmp_path).tokenizer is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rope_scaling": "linear"}, "rope_scaling = 'linear' is no table"),
        ({"rope_parameters": [1]}, r"rope_parameters = \[1\] is no table"),
        ({"architectures": [[1]]}, r"architecture \[1\] is none that is known"),
    ],
)
def test_a_setting_of_another_kind_is_named(wrong, told):
    with pytest.raises(ValueError, match=told):
        read_config({"model_type": "llama", **wrong})
