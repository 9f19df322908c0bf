"""The command `lm tok`, as a person meets it."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from lm.cli import main
from lm.cli_tokenizer import FORMATS, PATTERNS, tok
from lm.tokenizer import BPETokenizer, Pipeline, files, load_tokenizer, splitting
from tests.lm.training.tiny import tiny_flags

TEXT = "the cat sat on the mat, the cat's hat; die Katze saß. 猫坐在垫子上，猫的帽子。\n" * 20


@pytest.fixture
def data(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    return str(tmp_path / "text.txt")


@pytest.fixture
def trained(tmp_path, data):
    path = str(tmp_path / "t.json")
    assert main(["tok", "train", "--data", data, "--vocab-size", "280", "--out", path]) == 0
    return path


@pytest.fixture
def say(monkeypatch):
    """Puts a text on standard input."""

    def say(text):
        data = text.encode()
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data), read=lambda: text))

    return say


def test_the_choices_are_those_of_the_library():
    assert FORMATS == files.FORMATS and set(PATTERNS) == set(splitting.PATTERN_NAMES)


def test_train_takes_what_the_library_takes(tmp_path, data, capsys):
    out = str(tmp_path / "folder" / "tokenizer.json")
    flags = ["--pattern", "cl100k", "--special", "<a>", "--special", "<b>", "--min-frequency", "40"]
    arguments = ["train", "--data", data, "--vocab-size", "300", "--out", out, "--format", "huggingface", *flags]
    with pytest.warns(UserWarning, match="not 300"):
        assert tok(arguments) == 0
    tokenizer = load_tokenizer(out)
    assert isinstance(tokenizer, BPETokenizer) and tokenizer.pattern == "cl100k"
    assert dict(tokenizer.special_tokens) == {"<a>": 0, "<b>": 1}
    assert capsys.readouterr().out == f"{out}: {tokenizer.vocab_size} tokens\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_train_shows_its_progress_on_a_terminal_alone(terminal, tmp_path, data, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert main(["tok", "train", "--data", data, "--vocab-size", "262", "--out", str(tmp_path / "x.json")]) == 0
    shown = capsys.readouterr()
    assert ("5/5" in shown.err and "merge/s" in shown.err) if terminal else shown.err == ""
    assert shown.out.endswith("262 tokens\n")


def test_train_learns_word_pieces(tmp_path, data):
    flags = ["--data", data, "--type", "wordpiece", "--vocab-size", "56", "--format", "bert", "--cased"]
    assert main(["tok", "train", *flags, "--out", str(tmp_path / "bert")]) == 0
    tokenizer = load_tokenizer(tmp_path / "bert")
    assert tokenizer.decode(tokenizer.encode("die Katze, 猫")) == "die Katze, 猫"


@pytest.mark.parametrize(
    ("format", "name"),
    [("minigrad", "x.json"), ("huggingface", "tokenizer.json"), ("gpt2", "folder"), ("tiktoken", "x.tiktoken")],
)
def test_encode_and_decode_take_every_format(format, name, trained, tmp_path, say, capsysbinary):
    out = str(tmp_path / name)
    assert main(["tok", "convert", trained, "--to", format, "--out", out]) == 0
    capsysbinary.readouterr()
    say("the cat's 猫 <|endoftext|>")
    assert main(["tok", "encode", "--tokenizer", out]) == 0
    ids = capsysbinary.readouterr().out.decode()
    expected = load_tokenizer(trained).encode("the cat's 猫 <|endoftext|>", disallowed_special=())
    assert [int(id) for id in ids.split()] == expected
    say(ids)
    assert main(["tok", "decode", "--tokenizer", out]) == 0
    assert capsysbinary.readouterr().out.decode() == "the cat's 猫 <|endoftext|>"


def test_encode_makes_special_tokens_of_their_spellings_only_if_told(trained, say, capsys):
    capsys.readouterr()
    for flags, ids in ([], 1), (["--special"], 0):
        say("<|endoftext|>")
        assert main(["tok", "encode", "--tokenizer", trained, *flags]) == 0
        assert (len(capsys.readouterr().out.split()) > 1) == bool(ids)


def test_inspect_shows_tokens_merges_and_scripts(trained, capsys):
    capsys.readouterr()
    assert main(["tok", "inspect", "--tokenizer", trained, "the cat\x1b[2J 猫"]) == 0
    output = capsys.readouterr().out
    assert "BPETokenizer(vocab_size=280, pattern='gpt2', special_tokens=['<|endoftext|>'])" in output
    assert "\x1b" not in output and "13 characters" in output
    lines = [line.split() for line in output.splitlines()]
    assert ["bytes", "t│h│e"] in lines and any(line[:1] == ["merge"] and line[-1] == "the" for line in lines)
    assert ["Latin", "8", "8"] in [line[:3] for line in lines] and ["Han", "2", "4"] in [line[:3] for line in lines]
    assert main(["tok", "inspect", "--tokenizer", trained, "--color", "always", "the cat"]) == 0
    assert "\x1b[30;48;5;" in capsys.readouterr().out


def test_inspect_says_how_many_words_it_leaves_out(trained, capsys):
    assert main(["tok", "inspect", "--tokenizer", trained, " ".join(f"word{i}" for i in range(40))]) == 0
    assert "words more" in capsys.readouterr().out


def test_inspect_reads_standard_input_and_files(trained, data, say, capsys):
    say("the cat")
    assert main(["tok", "inspect", "--tokenizer", trained]) == 0
    assert "7 characters" in capsys.readouterr().out
    assert main(["tok", "inspect", "--tokenizer", trained, "--data", data]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[-1][:3] == ["all", f"{len(TEXT):,}", f"{len(TEXT.encode()):,}"]


def test_inspect_takes_every_tokenizer(tmp_path, data, capsys):
    flags = ["--data", data, "--type", "wordpiece", "--vocab-size", "56", "--format", "bert"]
    assert main(["tok", "train", *flags, "--out", str(tmp_path / "bert")]) == 0
    characters = {"format": "minigrad-tokenizer", "version": 1, "type": "character", "characters": [" ", "a", "c"]}
    (tmp_path / "c.json").write_text(json.dumps(characters))
    assert main(["tok", "inspect", "--tokenizer", str(tmp_path / "bert"), "the catx"]) == 0
    assert "[UNK]" in capsys.readouterr().out
    assert main(["tok", "inspect", "--tokenizer", str(tmp_path / "c.json"), "a cac"]) == 0
    assert "5 characters, 5 tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["convert", "t.json", "--to", "bert", "--out", "x"],
            "vocab.txt holds the WordPiece vocabulary of a BERT alone",
        ),
        (["convert", "t.json", "--to", "gpt2", "--out", "t.json"], "t.json: exists; choose another --out"),
        (["convert", "absent", "--to", "gpt2", "--out", "x"], "absent: No such file"),
        (["inspect", "--tokenizer", "text.txt", "a"], "text.txt: not valid JSON"),
        (["train", "--data", "text.txt", "--vocab-size", "9", "--type", "wordpiece", "--out", "x"], "vocab_size 9 is"),
    ],
)
def test_a_mistake_is_one_line_that_names_it_and_writes_nothing(
    trained, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["tok", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lm tok: ") and message in error and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["roberta", "bert", "t5"])
def test_a_model_is_trained_on_the_vocabulary_of_another_project(name, tmp_path, capsys):
    cases = json.loads((Path(__file__).parent / "tokenizer/formats/expected.json").read_text())["cases"]
    (tmp_path / "other.json").write_text(json.dumps(cases[name]["document"]))
    run = str(tmp_path / "run")
    flags = tiny_flags(tmp_path, "--max_steps", "1", "--tokenizer.kind", "bpe")
    flags += ["--tokenizer.path", str(tmp_path / "other.json")]
    assert main(["train", "--out", run, *flags]) == 0
    assert isinstance(load_tokenizer(tmp_path / "run" / "tokenizer.json"), Pipeline)
    assert main(["generate", "--run", run, "--prompt", "line", "--max-new-tokens", "3"]) == 0
    assert main(["eval", "--run", run]) == 0
