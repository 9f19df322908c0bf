"""The families that `lm train` trains: a line each."""

from __future__ import annotations

from collections.abc import Mapping

from lm.config import Config
from lm.training.task import Task
from lm.training.tasks.next_token import NextToken
from lm.training.tasks.word_vectors import GloVeTask, Word2VecTask

FAMILIES: Mapping[str, type[Task]] = {
    "gpt2": NextToken,
    "word2vec": Word2VecTask,
    "glove": GloVeTask,
}


def task_of(config: Config) -> type[Task]:
    """The task of the family that the settings name."""
    return FAMILIES[config.model.family]
