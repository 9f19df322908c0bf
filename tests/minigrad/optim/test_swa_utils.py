"""Averages of weights are PyTorch's, and follow their closed forms."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import swa_utils
from minigrad.optim.swa_utils import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)
from tests.oracle.average_cases import UPDATES, averages, batches, flat, make_model, values

with np.load(Path(__file__).parents[2] / "oracle" / "averages.npz") as saved:
    EXPECTED = {key: saved[key] for key in saved.files}


def model_at(update):
    model = make_model(nn).double()
    set_values(model, update)
    return model


def set_values(model, update):
    model.load_state_dict({name: mg.tensor(value) for name, value in values(update).items()})


def state_of(module):
    return flat(module.state_dict(), lambda tensor: tensor.numpy())


def weights(model):
    return np.concatenate([parameter.detach().numpy().ravel() for parameter in model.parameters()])


@pytest.mark.parametrize("name", averages)
def test_averages_are_pytorchs_after_every_update(name):
    model = model_at(0)
    averaged = AveragedModel(model, **averages[name](swa_utils))
    for update, wanted in enumerate(EXPECTED[name], 1):
        set_values(model, update)
        averaged.update_parameters(model)
        np.testing.assert_allclose(state_of(averaged), wanted, rtol=1e-13, atol=1e-14)


def test_the_functions_of_many_tensors_are_those_of_one():
    rng = np.random.default_rng(0)
    average, value = (rng.standard_normal((3, 4)) for _ in range(2))
    for decay in (0.0, 0.3, 0.5, 0.999, 1.0):
        many = mg.tensor(average)
        get_ema_multi_avg_fn(decay)([many], [mg.tensor(value)], 5)
        one = get_ema_avg_fn(decay)(mg.tensor(average), mg.tensor(value), 5)
        np.testing.assert_allclose(many.numpy(), one.numpy(), rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(one.numpy(), decay * average + (1 - decay) * value, rtol=1e-14, atol=1e-15)
    for count in (1, mg.tensor(6)):
        many = mg.tensor(average)
        get_swa_multi_avg_fn()([many], [mg.tensor(value)], count)
        one = get_swa_avg_fn()(mg.tensor(average), mg.tensor(value), count)
        np.testing.assert_allclose(many.numpy(), one.numpy(), rtol=1e-13)
        np.testing.assert_allclose(one.numpy(), average + (value - average) / (int(count) + 1), rtol=1e-14)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(decay=st.floats(0.0, 1.0), updates=st.integers(1, 12))
def test_the_exponential_average_has_its_closed_form(decay, updates):
    model = model_at(0)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    seen = []
    for update in range(updates):
        set_values(model, update)
        averaged.update_parameters(model)
        seen.append(weights(model))
    ages = np.arange(updates)[::-1]
    parts = decay**ages * np.where(ages == updates - 1, 1.0, 1.0 - decay)
    np.testing.assert_allclose(weights(averaged), parts @ np.array(seen), rtol=1e-11, atol=1e-12)


def test_the_equal_average_is_the_mean():
    model = model_at(0)
    averaged = AveragedModel(model)
    seen = []
    for update in range(UPDATES):
        set_values(model, update)
        averaged.update_parameters(model)
        seen.append(weights(model))
    np.testing.assert_allclose(weights(averaged), np.mean(seen, axis=0), rtol=1e-12, atol=1e-13)
    assert averaged.n_averaged.item() == UPDATES and averaged.n_averaged.dtype == np.int64


def test_the_average_is_a_module_of_its_own():
    model = model_at(1)
    model(mg.tensor(batches()[0])).sum().backward()
    averaged = AveragedModel(model)
    assert all(parameter.grad is None for parameter in averaged.parameters())
    before = weights(averaged)
    set_values(model, 2)
    assert np.array_equal(weights(averaged), before)
    averaged.update_parameters(model)
    model.eval(), averaged.eval()
    x = mg.tensor(batches()[0])
    assert np.array_equal(averaged(x).detach().numpy(), model(x).detach().numpy())
    assert all(parameter.requires_grad for parameter in averaged.parameters())


def test_tied_parameters_stay_tied_and_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight

    model = Tied()
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    for value in (1.0, 3.0):
        nn.init.constant_(model.first.weight, value)
        averaged.update_parameters(model)
    assert averaged.module.second.weight is averaged.module.first.weight
    assert (averaged.module.first.weight.detach().numpy() == 2.0).all()


def test_averaging_records_nothing_and_is_noted_as_a_write():
    model = model_at(1)
    averaged = AveragedModel(model, avg_fn=get_ema_avg_fn(0.5))
    averaged.update_parameters(model)
    loss = (averaged.module[0].weight ** 2).sum()
    averaged.update_parameters(model)
    assert all(parameter.is_leaf and parameter.node is None for parameter in averaged.parameters())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_dtypes_are_averaged_apart():
    seen = []

    def note(averaged, current, count):
        seen.append(([tensor.dtype for tensor in averaged], int(count)))
        assert [tensor.dtype for tensor in current] == seen[-1][0]

    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2).double())
    averaged = AveragedModel(model, multi_avg_fn=note, use_buffers=True)
    for _ in range(2):
        averaged.update_parameters(model)
    f32, f64 = np.dtype("float32"), np.dtype("float64")
    assert seen == [([f32] * 6, 1), ([f64] * 2, 1), ([np.dtype("int64")], 1)]


def test_an_average_goes_on_from_its_state():
    model = model_at(0)
    averaged = AveragedModel(model)
    twin = AveragedModel(model)
    for update in range(1, 4):
        set_values(model, update)
        averaged.update_parameters(model)
    assert next(iter(averaged.state_dict())) == "n_averaged" and "module.0.weight" in averaged.state_dict()
    twin.load_state_dict(averaged.state_dict())
    set_values(model, 4)
    for each in (averaged, twin):
        each.update_parameters(model)
    assert np.array_equal(state_of(averaged), state_of(twin))


def test_a_model_of_another_shape_is_refused_and_nothing_changes():
    averaged = AveragedModel(nn.Linear(2, 2))
    before = state_of(averaged)
    for other in (nn.Linear(2, 3), nn.Linear(2, 2, bias=False), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))):
        with pytest.raises(ValueError, match="shapes"):
            averaged.update_parameters(other)
    assert np.array_equal(state_of(averaged), before)


def test_a_decay_or_two_functions_that_make_no_sense_are_refused():
    for make in (get_ema_avg_fn, get_ema_multi_avg_fn):
        for decay in (-0.1, 1.1, float("nan")):
            with pytest.raises(ValueError, match=r"\[0, 1\]"):
                make(decay)
    with pytest.raises(ValueError, match="not both"):
        AveragedModel(nn.Linear(2, 2), avg_fn=get_swa_avg_fn(), multi_avg_fn=get_swa_multi_avg_fn())


# -------------------------------------------------------------------------------------------------- update_bn


def test_update_bn_computes_pytorchs_statistics():
    model = model_at(1)
    update_bn([(mg.tensor(batch), None) for batch in batches()], model)
    np.testing.assert_allclose(state_of(model), EXPECTED["update_bn"], rtol=1e-12)


def test_update_bn_leaves_modes_and_momenta_as_they_were_also_when_it_fails():
    for broken in (False, True):
        model = model_at(1).eval()
        model[1].momentum = 0.3
        loader = [mg.tensor(batch) for batch in batches()] + ([mg.zeros(2, 7)] if broken else [])
        try:
            update_bn(loader, model, device=model[0].weight.device)
        except ValueError:
            assert broken
        assert model[1].momentum == 0.3 and not model.training and not model[1].training
        assert model[1].num_batches_tracked.item() == 3


def test_update_bn_records_nothing():
    model = model_at(1)
    seen = []
    model[2].register_forward_hook(lambda module, args, out: seen.append((module.training, out.requires_grad)))
    update_bn([mg.tensor(batch) for batch in batches()], model)
    assert seen == [(True, False)] * 3


def test_update_bn_runs_nothing_where_there_is_no_statistic():
    update_bn([None], nn.Linear(2, 2))


def test_swa_trains_as_in_pytorchs_example():
    mg.manual_seed(0)
    model = make_model(nn)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    averaged, swa_scheduler = AveragedModel(model), swa_utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=3)
    loader = [mg.randn(8, 3) for _ in range(2)]
    for epoch in range(10):
        for batch in loader:
            optimizer.zero_grad()
            (model(batch) ** 2).mean().backward()
            optimizer.step()
        if epoch >= 5:
            averaged.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
    update_bn(loader, averaged)
    assert averaged.n_averaged.item() == 5
    assert optimizer.param_groups[0]["lr"] == 0.05
    assert (averaged.eval()(loader[0]) ** 2).mean().item() < 1.0
