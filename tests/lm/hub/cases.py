"""The folders that transformers wrote (`tests/oracle/make_models.py`), and how the models in them are called."""

from pathlib import Path

import numpy as np

import minigrad as mg
from lm.models import GPT2, T5, Bert, BertForPreTraining, BertForQuestionAnswering, Llama

FOLDERS = Path(__file__).parent / "folders"
NAMES = sorted(path.name for path in FOLDERS.iterdir())
GENERATIVE = [name for name in NAMES if name.startswith(("gpt2", "llama", "qwen2", "t5"))]


def expected(name):
    with np.load(FOLDERS / name / "expected.npz") as arrays:
        return dict(arrays)


def inputs_of(arrays, prefix=""):
    """The batch among what is expected, as Tensors by transformers' names."""
    names = (
        "input_ids", "attention_mask", "token_type_ids", "labels", "next_sentence_label", "start_positions",
        "end_positions",
    )  # fmt: skip
    return {name: mg.tensor(arrays[prefix + name]) for name in names if prefix + name in arrays}


def outputs(model, inputs):
    """(what it computes by transformers' names, the loss) of a batch by transformers' names."""
    inputs = dict(inputs)
    ids, labels = inputs.pop("input_ids"), inputs.pop("labels", None)
    mask = inputs["attention_mask"]
    if isinstance(model, (GPT2, Llama)):
        following = np.full_like(labels.numpy(), -100)
        following[:, :-1] = labels.numpy()[:, 1:]
        return {"logits": model(ids, attention_mask=mask)}, model.loss(ids, mg.tensor(following), mask)
    if isinstance(model, T5):
        return {"logits": model(ids, model.shift_right(labels), mask)}, model.loss(ids, labels, mask)
    called = {name: inputs.pop(name) for name in ("attention_mask", "token_type_ids") if name in inputs}
    if isinstance(model, Bert):
        hidden = model(ids, **called)
        return {"hidden": hidden, "pooled": model.pooled(hidden)}, hidden.square().mean()
    given = [inputs.pop(name) for name in ("next_sentence_label", "start_positions", "end_positions") if name in inputs]
    loss = model.loss(ids, *([] if labels is None else [labels]), *given, **called)
    out = model(ids, **called)
    if isinstance(model, BertForPreTraining):
        return {"prediction_logits": out[0], "seq_relationship_logits": out[1]}, loss
    if isinstance(model, BertForQuestionAnswering):
        return {"start_logits": out[0], "end_logits": out[1]}, loss
    return {"logits": out}, loss


def of_tokens(values, arrays, model):
    """`values` where there is a token; what is computed of padding means nothing (and is not the same)."""
    real = arrays["attention_mask"] == 1
    return values[real] if values.shape[:2] == real.shape and not isinstance(model, T5) else values
