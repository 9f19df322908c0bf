"""Word vectors by `lm train`: resuming is exact, batches are functions of their number, results are there to read."""

import numpy as np
import pytest

from lm.cli import main
from lm.config import ConfigError, load_config
from lm.data.corpus import Tokens
from lm.models.word_vectors import load_word2vec_format
from lm.training.log import read_log
from lm.training.loop import load_best, train
from lm.training.run import resume_run, start_run
from lm.training.tasks.word_vectors import Word2VecTask
from tests.lm.training.test_loop import StopAtPoll
from tests.lm.training.tiny import timeless_log, weights

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def flags_of(folder, family, *changes):
    rng = np.random.default_rng(0)
    (folder / "text.txt").write_text(
        "".join(f"the {' '.join(NUMBERS[i] for i in rng.integers(10, size=6))} comes.\n\n" for _ in range(300))
    )
    flags = [
        *("--data", str(folder / "text.txt"), "--model.family", family, "--tokenizer.kind", "word"),
        *("--tokenizer.vocab_size", "null", "--model.n_embd", "8", "--max_steps", "9", "--training.batch_size", "200"),
        *("--training.eval_every", "4", "--training.save_every", "3", "--embeddings.window", "2"),
        *changes,
    ]
    settings = dict(zip(flags[::2], flags[1::2]))
    return [word for flag in settings.items() for word in flag]


KINDS = {
    "word2vec": [],
    "skip-gram": ["--embeddings.sg", "true"],
    "tree": ["--embeddings.hs", "true", "--embeddings.negative", "0"],
    "glove": [],
}


def family_of(kind):
    return "glove" if kind == "glove" else "word2vec"


@pytest.mark.parametrize("kind", KINDS)
def test_stopping_and_resuming_gives_the_same_bits(tmp_path, kind):
    config = load_config(flags=flags_of(tmp_path, family_of(kind), *KINDS[kind]))
    with start_run(tmp_path / "unbroken", config) as run:
        train(run)
    with start_run(tmp_path / "broken", config) as run:
        train(run, StopAtPoll(5))
    for _ in range(9):
        with resume_run(tmp_path / "broken", None, ()) as run:
            train(run, StopAtPoll(6))
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    assert timeless_log(tmp_path / "broken") == timeless_log(tmp_path / "unbroken")
    losses = [entry["loss"] for entry in read_log(tmp_path / "unbroken") if entry["split"] == "val"]
    assert losses[-1] < losses[0]
    assert all(entry["grad_norm"] is None for entry in read_log(tmp_path / "unbroken") if entry["split"] == "train")


@pytest.mark.parametrize("family", ["word2vec", "glove"])
def test_train_shows_neighbours_and_writes_vectors(tmp_path, capsys, family):
    assert main(["train", "--out", str(tmp_path / "run"), *flags_of(tmp_path, family)]) == 0
    output = capsys.readouterr().out
    assert "nearest neighbours:" in output and "vectors.bin for other programs" in output
    assert "bits per byte" not in output and "lm generate" not in output
    vectors = load_word2vec_format(tmp_path / "run" / "vectors.bin", binary=True)
    assert set(vectors.words) == {*NUMBERS, "the", "comes"}
    assert main(["eval", "--run", str(tmp_path / "run")]) == 0
    best = min(entry["loss"] for entry in read_log(tmp_path / "run") if entry["split"] == "val")
    assert f"loss               {best:.4f}\n" in capsys.readouterr().out
    assert main(["generate", "--run", str(tmp_path / "run"), "--prompt", "one"]) == 1
    assert f"a {family} does not go on with a text" in capsys.readouterr().err
    assert main(["export", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "folder")]) == 1
    assert "no model that Hugging Face has a place for" in capsys.readouterr().err


def test_a_validation_text_of_one_word_is_refused(tmp_path, capsys):
    flags = flags_of(tmp_path, "word2vec", "--val_fraction", "0.0015")
    assert main(["train", "--out", str(tmp_path / "run"), *flags]) == 1
    assert "nothing that is held out can be predicted" in capsys.readouterr().err


def test_passes_over_the_text_see_every_word_as_often(tmp_path):
    with start_run(
        tmp_path / "run", load_config(flags=flags_of(tmp_path, "word2vec", "--embeddings.sample", "0"))
    ) as run:
        tokens = run.corpus.train.tokens
        batches = -(-len(tokens) // 200)
        words = [run.task.batch(number).words for number in range(2 * batches)]
        counts = [np.bincount(np.concatenate(part), minlength=12) for part in (words[:batches], words[batches:])]
        ids = tokens.window(0, len(tokens))
    assert np.array_equal(counts[0], counts[1])
    assert np.array_equal(counts[0], np.bincount(ids[ids >= 2] - 2, minlength=12))


def test_rare_words_are_left_out_and_sentences_end():
    tokens = Tokens([np.array([5, 0, 3, 1, 2], np.uint16)])
    assert Word2VecTask.words(tokens, 0, 9).tolist() == [3, 1, -1, 0]
    assert Word2VecTask.words(tokens, 3, 2).tolist() == [-1, 0]


def test_gloves_held_out_entries_are_not_learnt_from(tmp_path):
    with start_run(tmp_path / "run", load_config(flags=flags_of(tmp_path, "glove"))) as run:
        batches = -(-len(run.task._matrix[0]) // 200)
        learnt = {
            pair
            for n in range(batches)
            for pair in zip(*(getattr(run.task.batch(n), k).tolist() for k in ("rows", "columns")))
        }
        held_out = {
            pair for batch, _ in run.task.validation() for pair in zip(batch.rows.tolist(), batch.columns.tolist())
        }
    assert held_out and not held_out & learnt


def test_the_vectors_are_those_of_the_best_model(tmp_path):
    with start_run(tmp_path / "run", load_config(flags=flags_of(tmp_path, "word2vec"))) as run:
        train(run)
        model, _ = load_best(run)
        path = run.task.save_results(model, tmp_path)
        vectors = load_word2vec_format(path, binary=True)
        for id in range(2, run.tokenizer.vocab_size):
            assert np.array_equal(vectors[run.tokenizer.decode([id])], model.vectors.data[id - 2])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--tokenizer.kind", "bpe", "--tokenizer.vocab_size", "300"), "tokenizer.kind must be word for a word2vec"),
        (("--model.family", "gpt2"), "tokenizer.kind must be bpe or character for a gpt2"),
        (("--embeddings.hs", "true"), "embeddings.negative must be 0 with embeddings.hs"),
        (("--embeddings.negative", "0"), "embeddings.negative must be .* at least 1 without"),
        (("--training.accumulation_steps", "2"), "training.accumulation_steps must be 1 for word2vec"),
        (("--training.processes", "2"), "training.processes must be 1 for word2vec"),
        (("--model.n_kv_head", "2"), "model.n_kv_head must be null for a word2vec"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together_are_named(tmp_path, flags, message):
    with pytest.raises(ConfigError, match=message):
        load_config(flags=flags_of(tmp_path, "word2vec", *flags))
