"""Folders that are not what they should be: each is refused with what is wrong, and nothing in one is run."""

import json
import shutil
import sys
import types
from fnmatch import fnmatch

import numpy as np
import pytest

import minigrad as mg
from lm.hub import download, find, load_pretrained, save_pretrained
from lm.models import GPT2, GPT2Config
from minigrad import io
from tests.lm.hub.cases import FOLDERS


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FOLDERS / "gpt2", tmp_path / "gpt2")


def change(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def tensors(folder):
    return mg.load_file(folder / "model.safetensors")


# ---------------------------------------------------------------------------------------------- configurations


def test_an_unknown_family_is_named_with_those_that_are_known(folder):
    change(folder, model_type="mamba")
    with pytest.raises(ValueError, match=r"config\.json: model_type 'mamba' is no family .*gpt2, llama, .*bert"):
        load_pretrained(folder)


def test_an_unknown_architecture_is_named(folder):
    change(folder, architectures=["GPT2DoubleHeadsModel"])
    with pytest.raises(ValueError, match="'GPT2DoubleHeadsModel' is none that is known of gpt2: GPT2LMHeadModel"):
        load_pretrained(folder)


def test_every_option_that_is_not_supported_is_named_at_once(folder):
    change(folder, scale_attn_weights=False, add_cross_attention=True, n_layer="2")
    with pytest.raises(ValueError, match=r"scale_attn_weights = False .*add_cross_attention = True .*n_layer = '2'"):
        load_pretrained(folder)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"activation_function": "mish"}, "activation_function = 'mish' is not known"),
        ({"n_head": 3}, "not divisible by n_head"),
        ({"n_embd": 0}, "n_embd must be"),
        ({"embd_pdrop": 1.5}, "embd_pdrop must be a probability"),
        ({"n_layer": True}, "n_layer = True is no int"),
    ],
)
def test_a_value_out_of_its_range_is_named(folder, settings, problem):
    change(folder, **settings)
    with pytest.raises(ValueError, match=f"config.json: .*{problem}"):
        load_pretrained(folder)


@pytest.mark.parametrize(
    ("rope", "problem"),
    [
        ({"rope_type": "yarn", "factor": 2.0}, "rope_type 'yarn' is not supported; default, linear, llama3 are"),
        ({"rope_type": "dynamic", "factor": 2.0}, "rope_type 'dynamic' is not supported"),
        ({"type": "linear"}, "factor of a linear rope must be a positive number, got None"),
        ({"rope_type": "llama3", "factor": 8.0}, "low_freq_factor of a llama3 rope"),
        ({"rope_type": "default", "partial_rotary_factor": 0.5}, "partial_rotary_factor = 0.5 is not supported"),
    ],
)
@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_a_rope_that_is_not_supported_is_named(tmp_path, rope, problem, key):
    folder = shutil.copytree(FOLDERS / "llama", tmp_path / "llama")
    document = json.loads((folder / "config.json").read_text())
    del document["rope_parameters"]
    (folder / "config.json").write_text(json.dumps(document | {key: rope}))
    with pytest.raises(ValueError, match=problem):
        load_pretrained(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"model_type": ["gpt2"]}', "[" * 10**5])
def test_what_is_no_configuration_is_named(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json"):
        load_pretrained(folder)


def test_bytes_that_are_no_text_are_named(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=r"config\.json: not UTF-8 at byte 0"):
        load_pretrained(folder)


def test_a_folder_without_a_configuration_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_pretrained(tmp_path)


# ----------------------------------------------------------------------------------------------------- weights


def test_missing_extra_and_misshaped_tensors_are_all_listed(folder):
    arrays = tensors(folder)
    del arrays["transformer.h.0.ln_1.bias"], arrays["transformer.wpe.weight"]
    arrays["transformer.h.1.mlp.c_fc.weight"] = arrays["transformer.h.1.mlp.c_fc.weight"].T
    arrays["transformer.h.7.ln_1.bias"] = np.zeros(3, np.float32)
    mg.save_file(arrays, folder / "model.safetensors")
    with pytest.raises(ValueError) as caught:
        load_pretrained(folder)
    first, *lines = str(caught.value).splitlines()
    assert first.endswith("does not fit GPT2:")
    assert lines == [
        "  transformer.h.0.ln_1.bias is missing",
        "  transformer.h.1.mlp.c_fc.weight has shape (24, 16), h.1.mlp.c_fc.weight is (24, 16)",
        "  transformer.h.7.ln_1.bias (3,) is not part of a GPT2",
        "  transformer.wpe.weight is missing",
    ]


def test_a_head_of_its_own_where_ours_is_tied_is_refused(folder):
    arrays = tensors(folder)
    mg.save_file(arrays | {"lm_head.weight": arrays["transformer.wte.weight"] + 1}, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"lm_head\.weight differs from transformer\.wte\.weight"):
        load_pretrained(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model.bin.index.json"])
def test_a_pickle_is_refused_with_how_to_convert_it(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(ValueError, match=rf"{name}: a pickle, .*save_pretrained\(folder\) of transformers"):
        load_pretrained(folder)


def test_a_folder_without_weights_is_an_oserror(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither model\.safetensors nor"):
        load_pretrained(folder)


def test_a_damaged_file_is_refused(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-4])
    with pytest.raises(io.CorruptFileError, match="cut short"):
        load_pretrained(folder)


@pytest.fixture
def shards(folder):
    model = load_pretrained(folder).model
    save_pretrained(model, None, folder.parent / "shards", max_shard_bytes=8000)
    return folder.parent / "shards"


def test_an_index_that_leads_out_of_the_folder_is_refused(shards):
    path = shards / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    first = next(iter(index["weight_map"]))
    index["weight_map"][first] = "../gpt2/model.safetensors"
    path.write_text(json.dumps(index))
    with pytest.raises(io.CorruptFileError, match="not a file of this folder"):
        load_pretrained(shards)


def test_an_index_that_disagrees_with_its_files_is_refused(shards):
    path = shards / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    name = index["weight_map"].pop("transformer.ln_f.bias")
    path.write_text(json.dumps(index))
    with pytest.raises(io.CorruptFileError, match=rf"does not agree with {name} on transformer\.ln_f\.bias"):
        load_pretrained(shards)


def test_a_missing_shard_is_an_oserror(shards):
    next(shards.glob("model-00002*")).unlink()
    with pytest.raises(FileNotFoundError):
        load_pretrained(shards)


# ---------------------------------------------------------------------------------------------------- settings


def test_settings_of_generation_that_are_not_supported_are_named_in_a_warning(folder):
    (folder / "generation_config.json").write_text(json.dumps({"typical_p": 0.5, "top_k": 7}))
    with pytest.warns(UserWarning, match=r"generation_config\.json: typical_p are not supported"):
        generation = load_pretrained(folder).generation
    assert generation.top_k == 7 and generation.eos_token_id == 1  # which config.json says


def test_settings_of_generation_out_of_range_are_refused(folder):
    (folder / "generation_config.json").write_text(json.dumps({"num_beams": 0}))
    with pytest.raises(ValueError, match=r"generation_config\.json: num_beams must be at least 1"):
        load_pretrained(folder)


# ----------------------------------------------------------------------------------------------------- writing


def test_a_module_of_no_family_is_refused(tmp_path):
    with pytest.raises(TypeError, match="a Linear is no model that Hugging Face has a place for"):
        save_pretrained(mg.nn.Linear(2, 2), None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_several_dtypes_are_refused(tmp_path):
    model = GPT2(GPT2Config(vocab_size=5, n_positions=4, n_embd=4, n_layer=1, n_head=1))
    model.ln_f.to(mg.float64)
    with pytest.raises(ValueError, match="float32, float64"):
        save_pretrained(model, None, tmp_path / "out")


# ----------------------------------------------------------------------------------------------------- the hub


def test_without_the_package_a_download_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'minigrad\[hub\]'"):
        download("openai-community/gpt2")


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for huggingface_hub: it gives its `answer`, or raises it, and keeps what it was `asked`."""
    package, errors = types.ModuleType("huggingface_hub"), types.ModuleType("huggingface_hub.errors")
    for name, kind in (("HfHubHTTPError", OSError), ("HFValidationError", ValueError)):
        setattr(errors, name, type(name, (kind,), {}))
    errors.LocalEntryNotFoundError = type("LocalEntryNotFoundError", (FileNotFoundError, ValueError), {})
    package.asked = []

    def snapshot_download(name, **settings):
        package.asked.append((name, settings))
        if isinstance(package.answer, Exception):
            raise package.answer
        return str(package.answer)

    package.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", package)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    package.errors = errors
    return package


def test_a_name_is_fetched_without_pickles_and_code(hub):
    hub.answer = FOLDERS / "gpt2"
    assert isinstance(load_pretrained(find("owner/name", revision="main")).model, GPT2)
    [(name, settings)] = hub.asked
    assert name == "owner/name" and settings["revision"] == "main"
    fetched = ["config.json", "model.safetensors", "model-00001-of-00002.safetensors", "merges.txt", "vocab.txt"]
    left = ["pytorch_model.bin", "modeling.py", "tf_model.h5", "flax_model.msgpack", "README.md"]
    kept = [file for file in fetched + left if any(fnmatch(file, each) for each in settings["allow_patterns"])]
    assert kept == fetched


@pytest.mark.parametrize("error", ["HfHubHTTPError", "HFValidationError", "LocalEntryNotFoundError"])
def test_what_the_hub_says_is_passed_on_in_one_line(hub, error):
    hub.answer = getattr(hub.errors, error)("no such model\n  at all")
    with pytest.raises(ConnectionError, match=r"owner/name: cannot be downloaded .*no such model at all"):
        download("owner/name")


def test_a_folder_is_not_looked_for_on_the_hub(tmp_path):
    assert find(tmp_path) == tmp_path
    with pytest.raises(NotADirectoryError, match="no folder of a model"):
        find(tmp_path / "nothing")
