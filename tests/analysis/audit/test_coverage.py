"""Pseudo-data from halves of the simulation, measured from end to end with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from deepsf.audit.coverage import Settings, cells, compared, contaminations, measured_set, pseudo_data
from deepsf.audit.methods import true_method
from deepsf.config.binned import Binned, Bins
from deepsf.config.coverage import Coverage
from deepsf.config.direct import Direct
from deepsf.config.shifts import Contamination
from deepsf.config.training import Training
from deepsf.seeds import seed_sequence
from tests.shape_toy import make

TRUE = {"toy": {"file": "toy.json", "name": "toy_shape"}}
POINTS = {"L": 0.2, "T": 0.8}


def truth(codes, abseta, pt, score):
    """Scores of b fall from 1.3 to 0.7, those of light jets rise; c has 1."""
    slope = np.select([codes == 5, codes == 0], [-0.6, 0.4], 0.0)
    return 1.0 + slope * (np.maximum(score, 0.0) - 0.5)


@pytest.fixture(scope="module")
def measurement():
    return make(6_000, 11).measurement()


def test_halves_share_no_event_and_data_weigh_both_scale_factors(measurement):
    made, true = pseudo_data(measurement, truth, seed_sequence(1, "division")), true_method(truth, measurement)
    for name, entries in made.entries.items():
        whole = measurement.entries[name].simulation
        assert set(entries.data.event) & set(entries.simulation.event) == set()
        assert len(entries.data) + len(entries.simulation) == len(whole)
        assert len(entries.data) == pytest.approx(0.5 * len(whole), rel=0.05)
        assert (entries.data.probe.flavour == -1).all()
        place = np.searchsorted(whole.event, entries.data.event)
        factor = entries.data.weight / whole.weight[place]
        # tag jets of this toy are c, with a scale factor of 1
        probe = whole.probe[place]
        assert (whole.tag.flavour[place] == 1).all()
        for number, flavour in enumerate(("b", "c", "udsg")):
            chosen = np.flatnonzero(probe.flavour == number)
            assert len(chosen) > 20
            np.testing.assert_allclose(factor[chosen], true(flavour, probe[chosen]), rtol=1e-6)


def test_another_division_has_other_events(measurement):
    first, second = (pseudo_data(measurement, truth, seed_sequence(1, str(k))).entries["hf"] for k in (1, 2))
    assert 0.3 < np.isin(first.data.event, second.data.event).mean() < 0.7


def test_the_contamination_of_one_region_is_off_by_what_was_drawn(measurement):
    division, lf = seed_sequence(1, "division"), Contamination(region="hf", size=0.2)
    plain, off = (pseudo_data(measurement, truth, division, drawn) for drawn in ((), [(lf, -1.5)]))
    for name, expected in (("hf", 1 - 0.2 * 1.5), ("lf", 1.0)):
        before, after = plain.entries[name].data, off.entries[name].data
        whole = measurement.entries[name].simulation
        is_b = whole.probe.flavour[np.searchsorted(whole.event, before.event)] == 0
        assert 20 < is_b.sum() < len(is_b) - 20
        factor = after.weight / before.weight
        np.testing.assert_allclose(factor, np.where(is_b, 1.0, expected), rtol=1e-6)
        np.testing.assert_array_equal(off.entries[name].simulation.weight, plain.entries[name].simulation.weight)


def test_a_contamination_never_turns_weights_negative(measurement):
    drawn = [(Contamination(region="hf", size=0.9), -3.0)]
    data = pseudo_data(measurement, truth, seed_sequence(1, "division"), drawn).entries["hf"].data
    assert (data.weight == 0).any()
    assert (data.weight >= 0).all()


def test_contaminations_of_sets_are_spread_as_normal_numbers_whatever_the_order_of_sources():
    sources = {"lf": Contamination(region="hf"), "hf": Contamination(region="lf", size=0.1)}
    seed = seed_sequence(3, "contamination")
    sets = contaminations(sources, 21, seed)
    assert [[shift.region for shift, _ in drawn] for drawn in sets] == [["lf", "hf"]] * 21
    errors = np.array([[error for _, error in drawn] for drawn in sets])
    # one in each of 21 equally likely ranges
    expected = np.repeat(np.arange(21.0)[:, None], 2, axis=1)
    np.testing.assert_array_equal(np.sort(np.floor(21 * norm.cdf(errors)), axis=0), expected)
    assert abs(np.corrcoef(errors.T)[0, 1]) < 0.5
    assert contaminations(dict(reversed(sources.items())), 21, seed) == sets
    assert contaminations({}, 2, seed) == [[], []]


def test_a_set_is_measured_and_its_errors_are_of_the_size_of_its_deviations(measurement):
    bins = Bins(pt_gev=(20, 1000), abseta=(0, 2.5), discriminant=(-2, 0, 0.1, 0.3, 0.6, 0.9, 1.01))
    settings = Settings(
        Coverage(true_sf=TRUE, n_bootstrap=3, n_direct=2, n_members=0, pt_gev=(20, 60, 1000)),
        Binned(bins={"b": bins, "udsg": bins}, n_bootstrap=10),
        Direct(layers=3, units=32, batch_size=1024, passes=3, refit_passes=1),
        Training(precision="fp32"),
        POINTS,
        {"lf": Contamination(region="hf", size=0.2)},
    )
    made = pseudo_data(measurement, truth, seed_sequence(2, "division"))
    assert {(c.flavour, c.working_point, c.pt) for c in cells(made, settings)} == {
        (flavour, name, pt)
        for flavour in ("b", "udsg")
        for name in ("below L", "L-T", "above T")
        for pt in ("20-60 GeV", "60-1000 GeV")
    }
    rows = compared(measured_set(made, settings, seed_sequence(2, "set")), truth, made, settings)
    assert {row["method"] for row in rows} == {"direct"}
    pulls = np.array([(row["value"] - row["truth"]) / row["error"] for row in rows])
    assert 0.2 < np.sqrt(np.mean(pulls**2)) < 3.0
    for row in rows:
        parts = row["errors"]
        assert row["error"] == pytest.approx(np.sqrt(sum(value**2 for value in parts.values())))
        assert parts["contamination"] > 0
    # the truth that was put in is what comes out: b falls
    b = {row["working_point"]: row["value"] for row in rows if row["flavour"] == "b" and row["pt"] == "20-60 GeV"}
    assert b["below L"] > 1.1 > 0.95 > b["above T"]
