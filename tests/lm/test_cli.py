"""The `lm` command, as a person meets it."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from lm.cli import COMMANDS, main
from lm.config import load_config
from lm.data.text import open_text
from lm.models import GPT2
from lm.tokenizer import load_tokenizer
from lm.training.families import make_task
from lm.training.log import read_log
from lm.training.run import make_tokenizer
from lm.training.run_lock import RunLock
from minigrad import Tensor
from tests.lm.training.tiny import FLAGS, TEXT, tiny_flags, write_text


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    assert main(["train", "--out", str(folder / "run"), *tiny_flags(folder)]) == 0
    return folder / "run"


def lm(*arguments, **kwargs):
    return subprocess.run([sys.executable, "-m", "lm.cli", *arguments], capture_output=True, text=True, **kwargs)


def test_help_is_quick_and_loads_nothing():
    program = "import sys, lm.cli\ntry: lm.cli.main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    times = []
    while len(times) < 10 and min(times, default=1) >= 0.3:  # another process on the machine costs tries
        started = time.perf_counter()
        output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        times.append(time.perf_counter() - started)
    assert "numpy" not in output.splitlines()[-1].split()
    assert "jsonargparse" not in output.splitlines()[-1].split()
    assert min(times) < 0.3


def test_help_names_every_command():
    output = lm("--help").stdout
    assert all(f"  {name} " in output for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"usage: lm {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "count"])
def test_the_help_names_no_flag_that_is_refused(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    output = capsys.readouterr().out
    assert "--model.n_layer " in output and "--model " not in output


@pytest.mark.parametrize("command", ["train", "count"])
def test_the_help_says_what_a_setting_is(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "held out for validation" in words and "attention heads per block" in words


def test_the_help_says_which_run_is_resumed(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "or with the newest of runs/<name of the config file>" in " ".join(capsys.readouterr().out.split())


def test_train_says_what_came_out(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "my run"), *tiny_flags(tmp_path)]) == 0
    output = capsys.readouterr().out
    entries = [entry for entry in read_log(tmp_path / "my run") if entry["split"] == "val"]
    assert f"this model         {entries[-1]['bits_per_byte']:.3f} bits per byte" in output
    assert "gzip -9" in output and "sample" in output
    assert f"lm generate --run '{tmp_path / 'my run'}' --prompt" in output
    assert output.count("\n  lm ") == 3
    assert (tmp_path / "my run" / "loss.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["año dos\n" * 50, "--'$x' y\n" * 50, " \n" * 200], ids=repr)
def test_the_command_for_generating_works_on_the_run_it_is_printed_for(tmp_path, capsys, text):
    flags = tiny_flags(tmp_path, "--max_steps", "1")
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    assert main(["train", "--out", str(tmp_path / "my run"), *flags]) == 0
    _, _, printed = capsys.readouterr().out.partition("\n  lm generate ")
    command = shlex.split(printed.partition("\n  lm eval")[0])
    assert main(["generate", *command, "--max-new-tokens", "3"]) == 0
    word = text.split()[0] if text.strip() else " \n"
    assert capsys.readouterr().out.startswith(word)


def test_train_without_out_numbers_its_folders(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = tiny_flags(tmp_path, "--max_steps", "1", "--data", "text.txt")
    for expected in ("runs/default", "runs/default-2"):
        assert main(["train", *flags]) == 0
        assert f"The run is in {expected}:" in capsys.readouterr().out
    assert main(["train", "--resume", "--max-steps", "2"]) == 0
    assert "The run is in runs/default-2:" in capsys.readouterr().out
    assert max(entry["step"] for entry in read_log(tmp_path / "runs/default-2")) == 2


def test_train_without_out_leaves_a_run_that_begins_at_the_same_moment_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = tiny_flags(tmp_path, "--max_steps", "1", "--data", "text.txt")
    (tmp_path / "runs/default").mkdir(parents=True)
    with RunLock("runs/default"):
        assert main(["train", *flags]) == 0
    assert "The run is in runs/default-2:" in capsys.readouterr().out


def test_ctrl_c_while_the_text_is_prepared_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(text):
        raise KeyboardInterrupt

    command = ["train", "--out", str(tmp_path / "my run"), *tiny_flags(tmp_path)]
    with monkeypatch.context() as patched:
        patched.setattr("lm.data.corpus.gzip_size", interrupted)
        assert main(command) == 130
    stopped, printed = capsys.readouterr().err.splitlines()
    assert stopped == "stopped. To go on:"
    assert main(shlex.split(printed)[1:]) == 0
    assert "The run is in" in capsys.readouterr().out


def test_ctrl_c_while_the_text_is_read_leaves_nothing(tmp_path, monkeypatch, capsys):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("lm.training.run.make_tokenizer", interrupted)
    assert main(["train", "--out", str(tmp_path / "run"), *tiny_flags(tmp_path)]) == 130
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "run").exists()


def test_eval_gives_the_loss_of_the_best_model(trained, capsys):
    assert main(["eval", "--run", str(trained)]) == 0
    output = capsys.readouterr().out
    best = min((entry for entry in read_log(trained) if entry["split"] == "val"), key=lambda entry: entry["loss"])
    assert f"loss               {best['loss']:.4f} nats" in output
    assert f"bits per byte      {best['bits_per_byte']:.4f}" in output


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_an_evaluation(trained, monkeypatch, capsys, number, status):
    loss = GPT2.loss

    def interrupted(model, ids, targets):
        signal.raise_signal(number)
        return loss(model, ids, targets)

    monkeypatch.setattr(GPT2, "loss", interrupted)
    before = signal.signal(number, signal.default_int_handler)  # a shell's background jobs are born ignoring SIGINT
    try:
        assert main(["eval", "--run", str(trained)]) == status
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().out == ""


def test_eval_of_another_text(trained, tmp_path, capsys):
    (tmp_path / "other.txt").write_text("line 7: 49 is the square of 7.\n" * 9)
    assert main(["eval", "--run", str(trained), "--data", str(tmp_path / "other.txt")]) == 0
    assert "other.txt: 279 tokens, 279 bytes" in capsys.readouterr().out


def test_generate_goes_on_from_the_prompt(trained, capsys):
    command = ["generate", "--run", str(trained), "--prompt", "line", "--max-new-tokens", "30"]

    def text(*flags):
        assert main([*command, *flags]) == 0
        return capsys.readouterr().out

    assert text().startswith("line") and len(text()) == len("line") + 30 + 1
    assert text() == text() != text("--seed", "1")
    assert text("--greedy") == text("--greedy", "--seed", "1") == text("--top-k", "1")
    whole = text()
    assert text("--stop", whole[12:14]) == whole[: whole.index(whole[12:14], 4)] + "\n"


def test_count_tells_before_training(capsys, trained):
    assert main(["count", "--config", str(trained / "config.yaml")]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"vocabulary of {len(set(TEXT))}; a step sees 256 tokens: 2 x 16 sequences of 8 tokens\n")
    for title in ("parameters", "operations per step", "memory"):
        assert f"\n{title}\n" in output


def test_count_of_gpt2_is_the_known_one(capsys):
    assert main(["count", "--config", "configs/gpt2-124m.yaml"]) == 0
    assert "124,439,808" in capsys.readouterr().out


def test_tok_round_trips_any_bytes(tmp_path, monkeypatch):
    data = b"the square of caf\xc3\xa9 and \xff\xfe junk\r\n"
    flags = ["--data", str(write_text(tmp_path)), "--vocab-size", "270", "--out", str(tmp_path / "t.json")]
    assert main(["tok", "train", *flags]) == 0
    encoded = subprocess.run(
        [sys.executable, "-m", "lm.cli", "tok", "encode", "--tokenizer", tmp_path / "t.json"],
        input=data,
        capture_output=True,
    )
    decoded = subprocess.run(
        [sys.executable, "-m", "lm.cli", "tok", "decode", "--tokenizer", tmp_path / "t.json"],
        input=encoded.stdout, capture_output=True,
    )  # fmt: skip
    assert decoded.stdout == data
    assert len(encoded.stdout.split()) < len(data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--max_stepz", "3"], "max_stepz"),
        (["train", "--max-steps", "x"], "max_steps"),
        (["train", "--config", "absent.yaml"], "absent.yaml"),
        (["train", "--data", "absent.txt"], "absent.txt: no such text file or folder"),
        (["train", "--tokenizer.vocab_size", "255"], "tokenizer.vocab_size must be at least 257"),
        (["train", "--tokenizer.path", "absent.json"], "absent.json"),
        (["train", "--resume", "--out", "absent"], "absent: no run to go on with"),
        (["train", "--resume"], "runs/default: no run to go on with"),
        (["eval", "--run", "absent"], "absent: no run here"),
        (["generate", "--run", "absent", "--prompt", "x"], "absent: no run here"),
        (["count", "--model.n_layers", "3"], "n_layers"),
        (["tok", "train", "--vocab-size", "255", "--out", "t.json"], "255"),
        (["tok", "encode", "--tokenizer", "absent.json"], "absent.json"),
    ],
)
def test_a_mistake_is_one_line_that_names_it_and_writes_nothing(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"text")))
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"lm {arguments[0]}: ") and message in captured.err
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--temperature", "0"], "temperature"),
        (["--top-p", "1.5"], "top_p"),
        (["--top-k", "0"], "top_k"),
        (["--max-new-tokens", "-1"], "max_new_tokens"),
        (["--prompt", ""], "prompt"),
        (["--prompt", "€"], r"U+20AC"),
        (["--stop", ""], "stop string"),
        (["--seed", "-1"], "seed must be 0 or more"),
        (["--seed", str(2**63)], r"below 2**63"),
    ],
)
def test_generate_names_a_bad_setting(trained, capsys, flags, message):
    assert main(["generate", "--run", str(trained), "--prompt", "line", *flags]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\0\1\2", b"\xff\xfe"], ids=["empty", "binary", "undecodable"])
def test_eval_names_a_bad_text(trained, tmp_path, capsys, content):
    (tmp_path / "bad.txt").write_bytes(content)
    assert main(["eval", "--run", str(trained), "--data", str(tmp_path / "bad.txt")]) == 1
    assert "bad.txt: " in capsys.readouterr().err


def test_a_tokenizer_is_not_written_over(tmp_path, capsys):
    (tmp_path / "t.json").write_text("precious")
    assert main(["tok", "train", "--out", str(tmp_path / "t.json")]) == 1
    assert "t.json: exists" in capsys.readouterr().err
    assert (tmp_path / "t.json").read_text() == "precious"


def test_a_training_run_is_not_written_over(trained, capsys):
    before = {p: p.stat().st_mtime_ns for p in trained.rglob("*")}
    assert main(["train", "--out", str(trained), *FLAGS]) == 1
    assert "--resume" in capsys.readouterr().err
    assert {p: p.stat().st_mtime_ns for p in trained.rglob("*")} == before


@pytest.mark.parametrize("name", ["regex", "yaml", "jsonargparse", "matplotlib"])
def test_a_missing_package_is_one_line_that_says_how_to_get_it(tmp_path, name):
    program = f"import sys; sys.modules[{name!r}] = None\nfrom lm.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = ["train", "--out", str(tmp_path / "run"), *tiny_flags(tmp_path)]
    result = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == f"lm train: needs {name}, which is not installed: pip install 'minigrad[lm]'\n"
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def trained_bpe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained_bpe")
    flags = tiny_flags(folder, "--max_steps", "1", "--tokenizer.kind", "bpe", "--tokenizer.vocab_size", "260")
    assert main(["train", "--out", str(folder / "run"), *flags]) == 0
    return folder / "run"


def test_a_prompt_may_spell_a_special_token(trained_bpe, capsys):
    command = ["generate", "--run", str(trained_bpe), "--max-new-tokens", "1", "--prompt", "<|endoftext|>"]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("<|endoftext|>")


def test_the_end_of_text_ends_what_is_generated(trained_bpe, monkeypatch, capsys):
    tokenizer = load_tokenizer(trained_bpe / "tokenizer.json")
    tokens = iter([*tokenizer.encode(" square"), tokenizer.eot_token, *tokenizer.encode(" circle")])
    monkeypatch.setattr("lm.generation.sampling.greedy", lambda logits: [next(tokens)])
    assert main(["generate", "--run", str(trained_bpe), "--prompt", "a", "--greedy"]) == 0
    assert capsys.readouterr().out == "a square\n"


def test_a_perplexity_beyond_what_a_float_holds_is_inf(trained, monkeypatch, capsys):
    monkeypatch.setattr("lm.training.evaluate.evaluate", lambda *_: 710.0)
    assert main(["eval", "--run", str(trained)]) == 0
    assert "perplexity         inf\n" in capsys.readouterr().out


def test_out_of_memory_says_where_and_what_to_do(tmp_path, monkeypatch, capsys):
    def too_large(model, ids, targets):
        return Tensor(np.broadcast_to(np.float32(0), (1 << 40, 1 << 12))) * 2.0

    monkeypatch.setattr(GPT2, "loss", too_large)
    assert main(["train", "--out", str(tmp_path / "run"), *tiny_flags(tmp_path)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"lm train: mul of \(1099511627776, 4096\) float32 and .*: Unable to allocate 16\.0 PiB ", last)
    assert last.endswith(
        "; `lm count` with the same flags tells what a step needs; a smaller training.batch_size with more "
        "training.accumulation_steps, or a smaller model, needs less, in a new --out"
    )


def test_a_terminal_without_the_characters_of_the_text_is_no_error(tmp_path):
    (tmp_path / "text.txt").write_text("año " * 200, encoding="utf-8")
    flags = [*FLAGS, "--data", str(tmp_path / "text.txt")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = lm("train", "--out", str(tmp_path / "run"), *flags, env=environment)
    assert result.returncode == 0, result.stderr
    assert "sample:\n\n  | a" in result.stdout and "?" in result.stdout


def test_a_stdout_that_is_no_stream_of_text_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["count"]) == 0
    assert sys.stdout.getvalue().startswith("vocabulary of 2,048")


def test_a_closed_pipe_is_no_error(trained):
    command = f"{sys.executable} -m lm.cli generate --run {trained} --prompt line --max-new-tokens 3000 | head -c 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("l", "")


def test_an_unknown_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["trian"])
    assert caught.value.code == 2
    assert "trian" in capsys.readouterr().err


def test_the_run_holds_no_absolute_path_that_was_not_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--out", "run", *tiny_flags(tmp_path, "--max_steps", "1", "--data", "text.txt")]) == 0
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert str(tmp_path).encode() not in path.read_bytes(), path
    json.loads((tmp_path / "run" / "corpus" / "corpus.json").read_text())


@pytest.mark.parametrize(
    "config",
    ["llama-tiny", "bert-tiny-mlm", "roberta-tiny", "t5-tiny-span", "transformer-reverse", "word2vec", "glove"],
)
def test_every_family_is_counted_before_it_is_made(capsys, config, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 40)
    flags = ["--data", str(text)]
    if config in ("llama-tiny", "bert-tiny-mlm", "roberta-tiny", "t5-tiny-span"):
        flags += ["--tokenizer.vocab_size", "370"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the text is short for the vocabulary
        assert main(["count", "--config", f"configs/{config}.yaml", *flags]) == 0
    total = int(capsys.readouterr().out.split()[-1].replace(",", ""))
    settings = load_config(f"configs/{config}.yaml", flags)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = make_task(settings, make_tokenizer(settings, open_text(settings.data)), None)
    assert total == sum(parameter.numel() for parameter in task.make_model().parameters())
