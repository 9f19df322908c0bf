"""The families that `lm train` trains."""

from lm.config.settings import TOKENIZERS
from lm.training.families import FAMILIES


def test_every_family_that_a_run_can_be_told_is_trained_and_no_other():
    assert list(FAMILIES) == list(TOKENIZERS)
