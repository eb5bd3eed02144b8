"""Shifts: which there are, and what each does to the iteration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.binned.measurement import measure
from deepsf.binned.shifts import SystematicShifts, linear, measure_side_by_side, quadratic
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.config.binned import Binned
from deepsf.config.flavours import Flavour, Tagger
from deepsf.config.regions import Region
from deepsf.config.shifts import Contamination, Shifts, shift_problems
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import RegionEntries

FLAVOURS, MEASURED = ("b", "c", "udsg"), ("b", "udsg")
POSITIONS = {"b": np.array([0.0, 0.02, 0.2, 0.5, 0.9]), "udsg": np.array([0.0, 0.02, 0.2, 0.6])}


def prepared(toy, errors=None):
    bins = {name: FlavourBins.of(toy.bins[name]) for name in MEASURED}
    method = TagAndProbe(toy.entries, toy.regions, FLAVOURS, bins, EventWeight(n_pt=4, n_abseta=3))
    settings = Binned(bins=toy.bins, max_change=1e-13, max_iterations=200, n_bootstrap=0)
    measurement = measure(method, settings)
    if errors is not None:  # two replicas at -+ error / sqrt(2) around the nominal have that standard deviation
        pair = {name: np.stack([sf - e / np.sqrt(2), sf + e / np.sqrt(2)]) for name, sf, e in errors(measurement)}
        measurement = with_replicas(measurement, pair)
    return method, measurement, settings


def with_replicas(measurement, replicas):
    measured = {name: np.ones(values.shape, bool) for name, values in replicas.items()}
    return replace(measurement, replicas=replicas, replica_measured=measured)


def shifted(toy, shifts, errors=None, event_weights=None):
    method, measurement, settings = prepared(toy, errors)
    arguments = {"settings": settings, "shifts": shifts, "event_weights": event_weights or {}}
    return method, measurement, measure_side_by_side(method, measurement, POSITIONS, **arguments)


def tenth(measurement):
    return [(name, sf, np.full(sf.shape, 0.1)) for name, sf in measurement.sf.items()]


def test_shapes_by_hand():
    np.testing.assert_allclose(linear(np.array([0.0, 0.5, 1.0])), [1.0, 0.0, -1.0])
    np.testing.assert_allclose(quadratic(np.array([0.0, 0.5, 1.0])), [1.0, -0.5, 1.0])


def test_a_statistical_shape_without_contamination_is_the_error_times_the_shape(noiseless_toy):
    """With one flavour alone in the region nothing feeds back: S +- s(1 - 2x) and S +- s(1 - 6x(1 - x))."""
    toy = noiseless_toy
    region = toy.entries["hf"]
    # no tag jet has a measured scale factor, no probe another flavour
    pure = region.simulation[np.flatnonzero(region.simulation.probe.flavour == 0)]
    pure = replace(pure, tag=replace(pure.tag, flavour=np.ones(len(pure), np.int8)))
    bins = {"b": FlavourBins.of(toy.bins["b"])}
    method = TagAndProbe(
        {"hf": RegionEntries(pure, pure)}, toy.regions, FLAVOURS, bins, EventWeight(n_pt=4, n_abseta=3)
    )
    settings = Binned(bins={"b": toy.bins["b"]}, n_bootstrap=0)
    measurement = measure(method, settings)
    np.testing.assert_allclose(measurement.sf["b"], 1.0)
    measurement = with_replicas(measurement, {"b": np.stack([np.full(bins["b"].shape, v) for v in (0.9, 1.1)])})
    found = measure_side_by_side(
        method, measurement, POSITIONS, settings=settings, shifts=Shifts(contamination={}), event_weights={}
    )
    assert list(found) == ["hfstats1_up", "hfstats1_down", "hfstats2_up", "hfstats2_down"]
    s, x = 0.2 / np.sqrt(2), POSITIONS["b"]
    for sign, direction in ((1, "up"), (-1, "down")):
        np.testing.assert_allclose(found[f"hfstats1_{direction}"]["b"][0, 0], 1 + sign * s * (1 - 2 * x))
        np.testing.assert_allclose(found[f"hfstats2_{direction}"]["b"][0, 0], 1 + sign * s * (1 - 6 * x * (1 - x)))


def test_a_shift_weights_contamination_with_its_own_scale_factors(noiseless_toy):
    """The light region's equation holds exactly with the shifted b: data = sum of m S of the same shift."""
    method, measurement, found = shifted(noiseless_toy, Shifts(contamination={}), tenth)
    shift = found["hfstats1_up"]
    assert np.abs(shift["udsg"] - measurement.sf["udsg"]).max() > 1e-3
    flat = method.joined(shift)
    again = method.iterate(max_change=np.inf, max_iterations=1, start=flat)
    np.testing.assert_allclose(method.split(again.sf[0])["udsg"], shift["udsg"], rtol=0, atol=1e-10)
    step = method.split(again.sf[0])["b"] - shift["b"]
    np.testing.assert_allclose(step, np.broadcast_to(-0.1 * linear(POSITIONS["b"]), step.shape), atol=1e-10)


def test_a_bin_without_an_error_keeps_its_value(noiseless_toy):
    def none(measurement):
        return [(name, sf, np.zeros(sf.shape)) for name, sf in measurement.sf.items()]

    _, measurement, found = shifted(noiseless_toy, Shifts(contamination={}), none)
    for name in MEASURED:
        np.testing.assert_allclose(found["lfstats1_up"][name], measurement.sf[name], atol=1e-12)


def test_weights_that_are_all_scaled_alike_change_nothing(noiseless_toy):
    weights = {"pileup_up": {n: r.simulation.weight * 1.7 for n, r in noiseless_toy.entries.items()}}
    _, measurement, found = shifted(noiseless_toy, Shifts(contamination={}, statistics=False), None, weights)
    assert list(found) == ["pileup_up"]
    for name in MEASURED:
        np.testing.assert_allclose(found["pileup_up"][name], measurement.sf[name], rtol=1e-10)


def test_up_and_down_of_a_contamination_lie_on_both_sides(noiseless_toy):
    _, measurement, found = shifted(noiseless_toy, Shifts(statistics=False))
    assert list(found) == ["lf_up", "lf_down", "hf_up", "hf_down"]
    up, down = (found[f"lf_{d}"]["b"] - measurement.sf["b"] for d in ("up", "down"))
    assert np.abs(up).max() > 0.01
    assert (up * down <= 0).all()


def offered(entries=None, **settings) -> SystematicShifts:
    kinematic = ("nominal", "jer_up", "jer_down", "jesTotal_up", "jesTotal_down")
    return SystematicShifts(Shifts(**settings), kinematic, ("pileup_up", "pileup_down"), entries, None)


def test_all_shifts_of_the_skim_enter_by_default_and_some_by_name():
    every = offered().chosen()
    assert every.kinematic == ("jer_up", "jer_down", "jesTotal_up", "jesTotal_down")
    assert every.weights == ("pileup_up", "pileup_down")
    some = offered(kinematic=("jer",), weights=()).chosen()
    assert (some.kinematic, some.weights) == (("jer_up", "jer_down"), ())


def test_a_shift_that_the_skim_lacks_is_an_error_with_a_way_out():
    with pytest.raises(ValueError, match=r"shifts\.weights: the skim has no psisr; it offers \['pileup'\]: name one"):
        offered(weights=("pileup", "psisr")).chosen()


def test_without_tables_of_a_skim_no_shift_of_it_can_be_named():
    assert SystematicShifts(Shifts()).chosen().kinematic == ()
    with pytest.raises(ValueError, match=r"shifts\.kinematic: the skim has no jer; it offers none"):
        SystematicShifts(Shifts(kinematic=("jer",))).chosen()


def test_a_weight_shift_with_other_entries_is_refused(noiseless_toy):
    shorter = {n: RegionEntries(r.data, r.simulation[np.arange(5)]) for n, r in noiseless_toy.entries.items()}
    with pytest.raises(ValueError, match="shift pileup_up of weights has other entries than the nominal in region hf"):
        offered(lambda name: shorter).event_weights(noiseless_toy.entries)


REGIONS = {
    "hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5),
    "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.5),
}
KNOWN = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}

TAGGER = Tagger(name="t", branch="b", working_points={"M": 0.5})


@pytest.mark.parametrize(
    ("settings", "n_bootstrap", "message"),
    [
        ({"contamination": {"lf": Contamination(region="zz")}}, 9, "contamination.lf.region: 'zz' is not one of"),
        (
            {"contamination": {"ch": Contamination(region="hf", flavour="b")}},
            9,
            "contamination.ch.flavour: 'b' does not contaminate region hf; it is one of ['c', 'udsg']",
        ),
        ({"weights": ("stat3",)}, 9, "the name stat3 belongs to another shift"),
        ({"kinematic": ("lf",)}, 9, "source lf is named twice"),
        ({"cferr": "c"}, 9, "shifts.cferr: 'c' is not one of the measured flavours ['b', 'udsg']"),
        ({}, 1, "binned.n_bootstrap = 1: statistical shifts need at least 2"),
    ],
)
def test_what_does_not_fit_is_said(settings, n_bootstrap, message):
    found = list(shift_problems(Shifts(**settings), REGIONS, KNOWN, TAGGER, n_bootstrap))
    assert len(found) == 1
    assert message in found[0]


def test_defaults_fit_two_regions():
    assert list(shift_problems(Shifts(), REGIONS, KNOWN, TAGGER, 2)) == []
