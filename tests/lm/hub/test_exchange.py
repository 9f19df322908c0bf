"""Models that transformers made, loaded by us: what they compute is what they compute there, and so is what we write.

The folders and expected values are written by `tests/oracle/make_models.py`; where transformers is installed, it reads
what we write, too.
"""

import json
import logging
import warnings

import numpy as np
import pytest

import minigrad as mg
from lm.hub import load_pretrained, save_pretrained
from lm.hub.families import family_of
from lm.hub.weights import their_name, to_files
from minigrad import optim
from tests.lm.hub.cases import FOLDERS, NAMES, expected, inputs_of, of_tokens, outputs

LOGITS = {"32": 1e-4, "64": 1e-10}


def load(name, width="32"):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_pretrained(FOLDERS / name, dtype=getattr(mg, f"float{width}")).model


@pytest.mark.parametrize("width", LOGITS)
@pytest.mark.parametrize("name", NAMES)
def test_logits_and_loss_are_those_of_transformers(name, width):
    model, arrays = load(name, width), expected(name)
    values, loss = outputs(model, inputs_of(arrays))
    assert values
    for key, value in values.items():
        theirs = arrays[f"logits{width}/{key}"]
        assert value.dtype == theirs.dtype and value.shape == theirs.shape
        ours, theirs = (of_tokens(each, arrays, model) for each in (value.detach().numpy(), theirs))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=LOGITS[width], err_msg=key)
    if name != "bert-trunk":  # whose loss counts what it makes of padding
        rounding = 1e-6 if width == "32" else 1e-10
        assert loss.item() == pytest.approx(arrays[f"loss{width}"].item(), rel=rounding, abs=rounding)


@pytest.mark.parametrize("width", ["32", "64"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "bert-trunk"])
def test_the_gradient_of_every_parameter_is_that_of_transformers(name, width):
    model, arrays = load(name, width), expected(name)
    _, loss = outputs(model, inputs_of(arrays))
    loss.backward()
    _, _, family = family_of(model)
    compared = set()
    for path, parameter in model.named_parameters():
        row = their_name(path, family, bare=False)
        theirs = arrays[f"grads/{row.theirs}"].astype(np.float64)
        ours = parameter.grad.numpy()
        error = np.abs((ours.T if row.transposed and ours.ndim == 2 else ours) - theirs).max()
        largest = np.abs(theirs).max()
        if path.endswith("key.bias") or ("spans" in name and path.endswith(("spans.bias", "output_norm.bias"))):
            # It shifts all that a softmax sees alike: no gradient but for rounding.
            assert largest < 1e-15 and error < (1e-6 if width == "32" else 1e-15), path
        else:
            assert error <= (1e-4 if width == "32" else 1e-6) * largest, path
        compared.add(f"grads/{row.theirs}")
    assert compared == {key for key in arrays if key.startswith("grads/")}


@pytest.mark.parametrize("name", ["gpt2", "bert", "t5"])
def test_ten_steps_of_adamw_take_the_same_losses(name):
    model, arrays = load(name).train(), expected(name)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    batches = inputs_of(arrays, "steps/")
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        _, loss = outputs(model, {key: value[step] for key, value in batches.items()})
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert arrays["steps/losses"][0] - min(losses) > 0.1  # they are about something
    np.testing.assert_allclose(losses, arrays["steps/losses"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_we_write_is_the_same_model(name, tmp_path):
    model, _, generation = load_pretrained(FOLDERS / name)
    save_pretrained(model, None, tmp_path, generation)
    again, _, settings = load_pretrained(tmp_path)
    assert type(again) is type(model) and again.config == model.config and settings == generation
    for (path, ours), (_, theirs) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=path)


@pytest.mark.parametrize("name", NAMES)
def test_what_we_write_has_the_names_and_shapes_of_what_was_read(name):
    read = mg.load_file(FOLDERS / name / "model.safetensors")
    model = load(name)
    _, _, family = family_of(model)
    written = to_files(model, family)
    assert {key: value.shape for key, value in written.items()} == {key: value.shape for key, value in read.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_that_we_write_is_the_one_that_was_read(name, tmp_path):
    model, _, generation = load_pretrained(FOLDERS / name)
    save_pretrained(model, None, tmp_path, generation)
    theirs = json.loads((FOLDERS / name / "config.json").read_text())
    ours = json.loads((tmp_path / "config.json").read_text())
    if name == "t5-v1.1":
        theirs["tie_word_embeddings"] = False  # transformers 4 needs to be told, and 5 says true whatever is true
    lost = {"id2label", "label2id", "problem_type"}  # the names of labels are not kept
    for key in theirs.keys() & ours.keys() - lost:
        assert ours[key] == theirs[key], key
    assert {"model_type", "architectures", "vocab_size", "dtype"} <= ours.keys()


@pytest.mark.parametrize("name", NAMES)
def test_what_we_write_is_read_by_transformers_without_a_word(name, tmp_path):
    """But for T5 v1.1, whose own files it warns of in the same words."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from tests.oracle.make_models import outputs as torch_outputs

    model, _, generation = load_pretrained(FOLDERS / name)
    save_pretrained(model, None, tmp_path, generation)
    said, theirs = read_by_transformers(transformers, tmp_path)
    assert said == ([] if name != "t5-v1.1" else read_by_transformers(transformers, FOLDERS / name)[0])
    arrays = expected(name)
    with torch.no_grad():
        inputs = {key: value.numpy() for key, value in inputs_of(arrays).items()}
        values, loss = torch_outputs(theirs.eval(), inputs)
    for key, value in values.items():
        np.testing.assert_allclose(value.numpy(), arrays[f"logits32/{key}"], rtol=0, atol=1e-5)
    assert loss.item() == pytest.approx(arrays["loss32"].item(), abs=1e-5)


def read_by_transformers(transformers, folder):
    """(what it warns of, the model)."""
    said = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("transformers")
    transformers.logging.disable_progress_bar()
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
            made = getattr(transformers, architecture).from_pretrained(folder, output_loading_info=True)
    finally:
        logger.removeHandler(handler)
    assert not any(made[1].values()), made[1]
    return said, made[0]
