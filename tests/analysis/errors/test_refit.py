"""Repetitions of a fit: bootstraps spread, equal data give equal fits, shifts differ by what they shift."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.adversarial.refit import AdversarialRefit, refit_settings
from deepsf.binned.shifts import SystematicShifts
from deepsf.config.direct import Direct
from deepsf.config.shifts import Shifts
from deepsf.config.training import Training
from deepsf.direct.train import train_direct
from deepsf.errors.refit import Refit, under_shifts
from deepsf.seeds import seed_sequence
from tests.shape_toy import make

SETTINGS = Direct(layers=3, units=32, batch_size=1024, passes=3, refit_passes=1.5, weight_decay=0.1)


@pytest.fixture(scope="module")
def nominal():
    measurement = make(8_000, 4).measurement()
    inputs = Training().inputs
    start, _ = train_direct(measurement, inputs, SETTINGS, seed_sequence(1, "direct", 0))
    return measurement, Refit(inputs, SETTINGS, "fp32", start)


def mean_above(member, measurement, threshold):
    jets = measurement.inclusive_of("b").jets
    return member.evaluate("b", jets)[jets.discriminant > threshold].mean()


def test_bootstraps_spread_by_the_counting_error_or_less(nominal):
    measurement, refit = nominal
    seeds = [seed_sequence(1, "bootstrap", k) for k in range(6)]
    values = [mean_above(refit.bootstrap(measurement, seed)[0], measurement, 0.9) for seed in seeds]
    probe = measurement.entries["hf"].data.probe.discriminant
    counting = 1.0 / np.sqrt((probe > 0.9).sum())
    assert 0.2 * counting < np.std(values, ddof=1) < 4.0 * counting
    again, _ = refit.bootstrap(measurement, seeds[0])
    assert mean_above(again, measurement, 0.9) == values[0]


def test_what_a_bootstrap_left_out_validates_it(nominal):
    measurement, refit = nominal
    _, history = refit.bootstrap(measurement, seed_sequence(1, "bootstrap", 0))
    assert np.isfinite(history["ratio_second"]["validation_loss"]).all()


def adversarial(refit):
    settings = refit_settings(
        Training(precision="fp32", batch_size=1024, last_steps=30), refit.start, passes=1.5, learning_rate=2e-3
    )
    return AdversarialRefit(settings, refit.start)


@pytest.mark.parametrize("of_method", [lambda refit: refit, adversarial], ids=["direct", "DeepSF"])
def test_more_contamination_lowers_what_is_left_for_b(nominal, of_method):
    measurement, refit = nominal
    shifts, seed = SystematicShifts(Shifts()), seed_sequence(1, "shifts")
    names = ("nominal", "lf_up", "lf_down")
    found = {n: m for n, m, _ in under_shifts(of_method(refit).shifted, measurement, shifts, names, seed)}
    below = {name: member.evaluate("b", measurement.inclusive_of("b").jets) for name, member in found.items()}
    low = measurement.inclusive_of("b").jets.discriminant < 0.1
    up, down = (below[name][low].mean() / below["nominal"][low].mean() for name in ("lf_up", "lf_down"))
    assert up < 0.97
    assert down > 1.03
