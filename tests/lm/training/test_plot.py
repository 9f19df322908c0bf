"""The picture of a run."""

import numpy as np

from lm.data.corpus import Corpus, Split, Tokens
from lm.training.plot import FILE, plot_losses

SPLIT = Split(Tokens([np.zeros(1000, np.uint16)]), 3000, 900)
CORPUS = Corpus("prose.txt", "", SPLIT, SPLIT)
ENTRIES = [{"step": 0, "split": "val", "loss": 6.0}] + [
    entry
    for step in range(1, 301)
    for entry in [{"step": step, "split": "train", "loss": 6.0 - step / 100}]
    + ([{"step": step, "split": "val", "loss": 6.0 - step / 110}] if step % 50 == 0 else [])
]


def test_a_run_has_a_picture(tmp_path):
    from matplotlib.image import imread

    assert plot_losses(tmp_path, ENTRIES, CORPUS) == tmp_path / FILE
    pixels = imread(tmp_path / FILE)[..., :3]
    assert pixels.shape[0] >= 500 and pixels.shape[1] >= 800
    blue, orange = (np.abs(pixels - np.array(color)).sum(-1) < 0.1 for color in ((0.12, 0.47, 0.71), (1.0, 0.5, 0.05)))
    assert blue.sum() > 200 and orange.sum() > 200  # a training and a validation curve


def test_a_run_of_one_step_has_one_too(tmp_path):
    assert plot_losses(tmp_path, ENTRIES[:2], CORPUS)


def test_a_run_that_did_not_begin_has_none(tmp_path):
    assert plot_losses(tmp_path, [], CORPUS) is None
    assert plot_losses(tmp_path, ENTRIES[:1], CORPUS) is None
    assert not (tmp_path / FILE).exists()
