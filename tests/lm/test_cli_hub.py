"""`lm import`, `lm export`, and models in Hugging Face's format in `lm count` and `lm generate`."""

import json
import shutil
import sys

import numpy as np
import pytest

from lm.cli import main
from lm.generation import GenerationConfig
from lm.hub import load_pretrained, save_pretrained
from lm.models import GPT2, T5, GPT2Config, T5Config
from lm.tokenizer import CharacterTokenizer, Pipeline, load_tokenizer, train_bpe
from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.templates import Template
from lm.tokenizer.wordpiece import WordPiece
from lm.training.loop import load_best
from lm.training.run import open_run
from tests.lm.hub.cases import FOLDERS
from tests.lm.training.tiny import tiny_flags, write_text


@pytest.fixture(scope="module")
def tokenizer():
    return train_bpe(["the cat sat on the mat. " * 20], 264, special_tokens=["<|endoftext|>"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    flags = tiny_flags(folder, "--tokenizer.kind", "bpe", "--tokenizer.vocab_size", "260")
    write_text(folder)
    assert main(["train", "--out", str(folder / "run"), *flags]) == 0
    return folder / "run"


@pytest.mark.parametrize(
    ("name", "parameters"), [("gpt2", "124,439,808"), ("bert", "109,482,240"), ("t5", "60,506,624")]
)
def test_count_knows_the_published_sizes_without_allocating_them(name, parameters, capsys, monkeypatch):
    def allocate(*_):
        raise AssertionError("something is drawn")

    monkeypatch.setattr("minigrad.ops.random.Key.normal", allocate)
    monkeypatch.setattr("minigrad.ops.random.Key.uniform", allocate)
    assert main(["count", "--pretrained", name]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["total", parameters]


@pytest.mark.parametrize("path", ["", "config.json"])
def test_count_reads_a_configuration(path, capsys):
    assert main(["count", f"--pretrained={FOLDERS / 't5-v1.1' / path}"]) == 0
    output = capsys.readouterr().out
    model = load_pretrained(FOLDERS / "t5-v1.1").model
    assert output.startswith("T5ForConditionalGeneration")
    assert output.split()[-1] == f"{sum(parameter.numel() for parameter in model.parameters()):,}"
    assert " lm_head " in output and " encoder.blocks.*.attention.q " in output


def test_an_exported_run_is_the_model_and_its_tokenizer(trained, tmp_path, capsys):
    assert main(["export", "--run", str(trained), "--out", str(tmp_path / "out")]) == 0
    assert "a GPT2 of" in capsys.readouterr().out
    run = open_run(trained)
    model, (read, tokenizer, generation) = load_best(run)[0], load_pretrained(tmp_path / "out")
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(parameter.detach().numpy(), read.state_dict()[name].numpy())
    assert tokenizer.encode("a square") == run.tokenizer.encode("a square")
    assert generation.eos_token_id == run.tokenizer.eot_token
    written = ["generate", "--prompt", "a", "--max-new-tokens", "20", "--seed", "3"]
    assert main([*written, "--run", str(trained)]) == 0
    ours = capsys.readouterr().out
    assert main([*written, "--pretrained", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == ours


@pytest.mark.parametrize(("family", "size"), [("t5", "400"), ("bert", "300"), ("roberta", "300"), ("llama", "300")])
def test_an_exported_run_says_what_its_special_tokens_are_for(family, size, tmp_path):
    """transformers starts a decoder, ends a text and finds the mask by what these files say."""
    changes = ["--tokenizer.kind", "bpe", "--tokenizer.vocab_size", size, "--model.family", family, "--max_steps", "1"]
    flags = tiny_flags(tmp_path, *changes)
    assert main(["train", "--out", str(tmp_path / "run"), *flags]) == 0
    assert main(["export", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    task, generation = open_run(tmp_path / "run").task, load_pretrained(tmp_path / "out").generation
    said = json.loads((tmp_path / "out/tokenizer_config.json").read_text())
    if family == "llama":
        assert said["bos_token"] == said["eos_token"] == "<|endoftext|>"
        assert generation.eos_token_id == task.tokenizer.eot_token
        return
    padding = task.special_id("padding")
    assert generation.pad_token_id == padding and said["pad_token"] == task.tokenizer.decode([padding])
    if family == "t5":
        assert (generation.eos_token_id, generation.decoder_start_token_id) == (task.special_id("end"), padding)
        assert said["eos_token"] == "</s>" and "bos_token" not in said
    elif family == "roberta":
        assert (said["bos_token"], said["eos_token"], said["mask_token"]) == ("<s>", "</s>", "<mask>")
    else:
        assert (said["mask_token"], said["cls_token"], said["sep_token"]) == ("[MASK]", "[CLS]", "[SEP]")
        assert "decoder_start_token_id" not in json.loads((tmp_path / "out/generation_config.json").read_text())


def test_a_prompt_has_the_special_tokens_that_its_model_knows_texts_by(tmp_path, monkeypatch):
    words = {"[UNK]": 0, "the": 1, "cat": 2, "<s>": 3, "</s>": 4}
    added = [AddedToken(spelling, words[spelling]) for spelling in ("[UNK]", "<s>", "</s>")]
    template = Template.parse("<s> $A </s>", "<s> $A $B </s>")
    save_pretrained(
        GPT2(GPT2Config(vocab_size=5, n_positions=8, n_embd=4, n_layer=1, n_head=1)),
        Pipeline(WordPiece(words, unreachable={"[UNK]", "<s>", "</s>"}), added_tokens=added, template=template),
        tmp_path,
    )
    prompts = []
    monkeypatch.setattr("lm.generation.generate", lambda model, prompt, *_, **__: prompts.append(prompt) or [])
    assert main(["generate", "--pretrained", str(tmp_path), "--prompt", "the cat"]) == 0
    assert prompts == [[3, 1, 2, 4]]


def test_an_imported_folder_is_the_same_model(tokenizer, tmp_path, capsys):
    model = GPT2(GPT2Config(vocab_size=tokenizer.vocab_size, n_positions=64, n_embd=4, n_layer=1, n_head=1))
    save_pretrained(model.half(), tokenizer, tmp_path / "half")
    assert main(["import", str(tmp_path / "half"), "--out", str(tmp_path / "out")]) == 0
    assert "a GPT2 of" in capsys.readouterr().out
    read, read_tokenizer, _ = load_pretrained(tmp_path / "out")
    for name, parameter in read.named_parameters():
        assert parameter.dtype == np.float32
        np.testing.assert_array_equal(parameter.detach().numpy(), model.state_dict()[name].numpy())
    assert read_tokenizer.encode("the cat") == load_tokenizer(tmp_path / "half").encode("the cat")


@pytest.mark.parametrize("command", [["import", str(FOLDERS / "gpt2")], ["export", "--run", "nothing"]])
def test_nothing_is_overwritten(command, tmp_path, capsys):
    assert main([*command, "--out", str(tmp_path)]) == 1
    assert "exists; choose another --out" in capsys.readouterr().err


def test_a_broken_folder_is_one_line(tmp_path, capsys):
    shutil.copytree(FOLDERS / "gpt2", tmp_path / "gpt2")
    (tmp_path / "gpt2/model.safetensors").write_bytes(b"")
    assert main(["import", str(tmp_path / "gpt2"), "--out", str(tmp_path / "out")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_name_on_the_hub_says_what_is_missing(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert main(["import", "openai-community/gpt2", "--out", str(tmp_path / "out")]) == 1
    assert "pip install 'minigrad[hub]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [["--num-beams", "3", "--length-penalty", "0.5", "--max-new-tokens", "5"],
     ["--min-p", "0.1", "--repetition-penalty", "1.5"], ["--greedy", "--no-repeat-ngram-size", "2"]],
)  # fmt: skip
def test_every_way_of_generating_writes(settings, trained, capsys):
    assert main(["generate", "--run", str(trained), "--prompt", "a", *settings, "--seed", "1"]) == 0
    assert len(capsys.readouterr().out) > 3


def test_a_model_with_an_encoder_answers_without_repeating_the_prompt(tokenizer, tmp_path, capsys):
    config = T5Config(vocab_size=tokenizer.vocab_size, d_model=8, d_kv=2, d_ff=8, num_layers=1, num_heads=2)
    save_pretrained(T5(config), tokenizer, tmp_path)
    assert main(["generate", "--pretrained", str(tmp_path), "--prompt", "the cat", "--max-new-tokens", "4"]) == 0
    assert "the cat" not in capsys.readouterr().out


@pytest.mark.parametrize("beams", [[], ["--num-beams", "2"]])
def test_every_token_that_the_settings_name_ends_a_text(beams, tokenizer, tmp_path, capsys):
    size, prompt = tokenizer.vocab_size, "the cat"
    model = GPT2(GPT2Config(vocab_size=size, n_positions=64, n_embd=4, n_layer=1, n_head=1))
    every = tuple(range(size))
    for ends, text in (((), None), (every, prompt)):
        save_pretrained(model, tokenizer, tmp_path / str(len(ends)), GenerationConfig(eos_token_id=ends or None))
        flags = ["--pretrained", str(tmp_path / str(len(ends))), "--prompt", prompt, "--max-new-tokens", "5", *beams]
        assert main(["generate", *flags]) == 0
        output = capsys.readouterr().out
        assert output == f"{text}\n" if text else len(output) > len(prompt) + 1


def test_a_model_that_writes_no_text_is_refused(tmp_path, capsys):
    shutil.copytree(FOLDERS / "bert", tmp_path / "bert")
    assert main(["generate", "--pretrained", str(tmp_path / "bert"), "--prompt", "a"]) == 1
    assert "there is no tokenizer" in capsys.readouterr().err
    (tmp_path / "bert/tokenizer.minigrad.json").write_bytes(_saved(CharacterTokenizer("a"), tmp_path))
    assert main(["generate", "--pretrained", str(tmp_path / "bert"), "--prompt", "a"]) == 1
    assert "a BertForPreTraining writes no text" in capsys.readouterr().err


def _saved(tokenizer, folder):
    from lm.tokenizer import save_tokenizer

    save_tokenizer(tokenizer, folder / "tokenizer.json")
    return (folder / "tokenizer.json").read_bytes()
