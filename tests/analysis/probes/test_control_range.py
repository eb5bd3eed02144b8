"""The contamination factor in closed form, and what data cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.config.weights import EventWeight
from deepsf.probes import control_range
from deepsf.probes.control_range import ControlRange, ControlSums, control_fit
from tests.shape_toy import make


def sums(data, enriched, contamination):
    of = (np.atleast_2d(np.array(values, float)) for values in (data, enriched, contamination))
    n = np.shape(data)[-1] - 1
    return ControlSums(*of, np.linspace(-1, 1, n), np.full(n, 1e9))


def test_the_factor_is_that_of_data_by_hand():
    # contamination 1.2 in data, S = 1 in the control range: 10 + 1.2 * 40, 30 + 1.2 * 20, and 60 + 1.2 * 40 elsewhere
    found = control_fit(sums([58, 54, 108], [10, 30, 60], [40, 20, 40]))
    assert found.factor == pytest.approx(1.2, abs=1e-6)
    np.testing.assert_allclose(found.shape, [1, 0, 0], atol=1e-6)
    assert found.chi2 == pytest.approx(0, abs=1e-9)


def test_rates_and_kinematics_of_data_move_nothing():
    """Two kinematic bins, in which data are 3 and 0.5 times as frequent as simulation."""
    enriched, contamination = np.array([[10.0, 30, 60], [20, 20, 20]]), np.array([[40.0, 20, 40], [5, 4, 10]])
    data = np.array([[3.0], [0.5]]) * (enriched + 0.8 * contamination)
    assert control_fit(sums(data, enriched, contamination)).factor == pytest.approx(0.8, abs=1e-6)


def test_a_smooth_scale_factor_of_the_enriched_flavour_is_told_from_contamination():
    """With statistics that leave nothing to what is expected: 1.3, a slope of 0.2 and a curvature of -0.1."""
    contamination, enriched = 1e10 * np.array([8, 6, 4, 2, 1, 1.0]), 1e10 * np.array([1, 2, 3, 4, 6, 20.0])
    u = np.linspace(-1, 1, 5)
    sf = np.append(1.3 + 0.2 * u - 0.1 * (1.5 * u**2 - 0.5), 0.0)
    sf[-1] = (enriched.sum() - (sf * enriched)[:-1].sum()) / enriched[-1]  # its mean is 1
    found = control_fit(
        sums(enriched * sf + 1.2 * contamination, enriched, contamination)._replace(effective=np.full(5, 1e14))
    )
    assert found.factor == pytest.approx(1.2, abs=1e-3)
    np.testing.assert_allclose(found.shape, [1.3, 0.2, -0.1], atol=2e-3)


def test_counting_tags_twice_does_not_tell_the_factor():
    """Other efficiencies of the enriched flavour and other numbers of pairs give the same counts, tight pairs too."""
    p, q = np.array([0.1, 0.3, 0.6]), np.array([0.9, 0.08, 0.02])

    def pairs(p, ff, fx, xx):
        mixed = np.outer(p, q)
        return ff * np.outer(p, p) + fx * (mixed + mixed.T) / 2 + xx * np.outer(q, q)

    ff, fx, xx, part = 0.77, 0.2, 0.03, 0.01
    other = ff * (1 - part) ** 2, fx * (1 - part) + 2 * ff * part * (1 - part), xx + fx * part + ff * part**2
    np.testing.assert_allclose(pairs((p - part * q) / (1 - part), *other), pairs(p, ff, fx, xx), rtol=1e-12)
    # the number of pairs without the enriched flavour by 7 %, mixed ones over pure ones by 9 %
    assert other[2] / xx == pytest.approx(1.069, abs=0.001)
    assert other[1] / other[0] / (fx / ff) == pytest.approx(1.088, abs=0.001)


def test_sums_that_are_not_finite_and_factors_that_never_settle_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="not finite"):
        control_fit(sums([58, 54, 108], [10, np.nan, 60], [40, 20, 40]))
    monkeypatch.setattr(control_range, "_MOST_STEPS", 1)
    with pytest.raises(ValueError, match="still moves after 1 steps"):
        control_fit(sums([58, 54, 108], [10, 30, 60], [40, 20, 40]))


def test_entries_are_counted_in_their_bins_and_few_jets_are_refused():
    entries = make(4000, 1).entries["hf"]
    found = ControlRange.of(entries, 0, EventWeight(n_pt=2, n_abseta=1), -np.inf, 0.1)
    simulation, data = entries.simulation, entries.data
    counted = found.sums(data.weight, simulation.weight, np.full(len(simulation), 2.0))
    in_range, is_b = simulation.probe.discriminant < 0.1, simulation.probe.flavour == 0
    np.testing.assert_array_equal(found.is_in_range, in_range)
    assert counted.data.sum() == len(data)
    assert counted.data[:, :-1].sum() == (data.probe.discriminant < 0.1).sum()
    assert counted.enriched[:, :-1].sum() == pytest.approx(simulation.weight[in_range & is_b].sum())
    assert counted.contamination[:, :-1].sum() == pytest.approx(2 * simulation.weight[in_range & ~is_b].sum())
    assert counted.effective.sum() == pytest.approx(in_range.sum())
    assert (found.place[0], found.place[-1]) == (-1, 1)
    with pytest.raises(ValueError, match=r"jets of data and .* of simulated contamination lie in its range"):
        ControlRange.of(entries, 0, EventWeight(), -np.inf, 1e-4)
