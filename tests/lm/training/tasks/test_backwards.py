"""The toy translation: what is asked, that a short run learns it, and that it goes on from what it wrote itself."""

import numpy as np
import pytest

from lm.cli import main
from lm.config import load_config
from lm.training.loop import train
from lm.training.run import start_run
from tests.lm.training.tiny import timeless_log, weights

TEXT = "a bad cab fed a decade of faded cafe beef.\n" * 8


def flags_of(folder, *changes):
    (folder / "text.txt").write_text(TEXT)
    flags = [
        *("--data", str(folder / "text.txt"), "--model.family", "transformer", "--tokenizer.kind", "character"),
        *("--tokenizer.vocab_size", "null", "--model.n_positions", "4", "--model.n_embd", "32", "--model.n_layer", "1"),
        *("--model.n_head", "4", "--max_steps", "300", "--training.batch_size", "32", "--optimizer.lr", "0.005"),
        *("--optimizer.weight_decay", "0", "--training.eval_every", "125", "--training.save_every", "250"),
        *changes,
    ]
    settings = dict(zip(flags[::2], flags[1::2]))
    return [word for flag in settings.items() for word in flag]


def test_short_lines_of_the_text_come_out_exactly_right(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "run"), *flags_of(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert "said backwards:" in output
    assert "100.0% of 200 lines of the text exactly right" in output
    shown = [line for line in output.splitlines() if " -> " in line]
    for line in shown:
        said, back = (eval_free(part) for part in line.removeprefix("  | ").split(" -> "))
        assert said[::-1] == back


def eval_free(text):
    """What repr wrote of a string, for the characters of this text."""
    return text[1:-1].replace("\\n", "\n")


@pytest.fixture
def run(tmp_path):
    with start_run(tmp_path / "run", load_config(flags=flags_of(tmp_path, "--max_steps", "3"))) as started:
        yield started


def test_batches_are_random_lines_and_what_is_held_out_is_of_the_text(run):
    batch, same, other = (run.task.batch(number) for number in (1, 1, 2))
    assert np.array_equal(batch["ids"], same["ids"]) and not np.array_equal(batch["ids"], other["ids"])
    lengths = batch["attention_mask"].sum(1)
    assert set(lengths) == {2, 3, 4}
    validation = run.corpus.val.tokens
    text = run.tokenizer.decode(validation.window(0, len(validation)).tolist())
    lines = [run.tokenizer.decode(line.tolist()) for line in run.task.lines(validation)]
    assert len(lines) == 200 and all(line in text and 1 <= len(line) <= 3 for line in lines)


def test_what_is_written_is_what_the_model_says_of_its_own_words(run):
    """Step by step with a cache, and anew from the beginning for every character, are the same."""
    import minigrad as mg

    model = train(run).eval()
    lines = run.task.lines(run.corpus.val.tokens)[:6]
    batch = run.task._batch(lines)
    with mg.no_grad():
        written = run.task.translate(model, batch)
        start = run.task.special_id("padding")
        for row, own in enumerate(written):
            ids = [start]
            for _ in range(4):
                logits = model(
                    mg.tensor(batch["ids"][row : row + 1]),
                    mg.tensor([ids]),
                    mg.tensor(batch["attention_mask"][row : row + 1]),
                )
                ids.append(int(logits.numpy()[0, -1].argmax()))
            said = ids[1:]
            end = run.task.special_id("end")
            assert own == (said[: said.index(end)] if end in said else said)


def test_two_runs_of_one_seed_are_the_same(run, tmp_path):
    train(run)
    with start_run(tmp_path / "again", run.config) as again:
        train(again)
    assert weights(tmp_path / "again") == weights(run.folder)
    assert timeless_log(tmp_path / "again") == timeless_log(run.folder)


def test_the_decoder_reads_what_it_had_to_say_one_place_before(run):
    model, labels = run.task.make_model(), run.task.batch(0)["labels"]
    import minigrad as mg

    read = model.shift_right(mg.tensor(labels)).numpy()
    padding = run.task.special_id("padding")
    assert (read[:, 0] == padding).all()
    assert (read[:, 1:] == np.where(labels[:, :-1] == -100, padding, labels[:, :-1])).all()
