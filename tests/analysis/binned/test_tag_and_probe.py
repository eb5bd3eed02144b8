"""Iterative tag and probe: exact without noise, honest with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.binned.build import measure_binned
from deepsf.binned.measurement import measure
from deepsf.binned.tag_and_probe import NotConvergedError, TagAndProbe, effective_entries
from deepsf.config.binned import Binned, Bins
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import ProbeEntries, RegionEntries

FLAVOURS, MEASURED = ("b", "c", "udsg"), ("b", "udsg")


def tag_and_probe(toy, entries=None) -> TagAndProbe:
    bins = {name: FlavourBins.of(toy.bins[name]) for name in MEASURED}
    return TagAndProbe(entries or toy.entries, toy.regions, FLAVOURS, bins, EventWeight(n_pt=4, n_abseta=3))


def run(toy, entries=None, **settings):
    exact = {"max_change": 1e-13, "max_iterations": 100, "n_bootstrap": 0} | settings
    return measure(tag_and_probe(toy, entries), Binned(bins=toy.bins, **exact))


def scaled(entries: ProbeEntries, factor: float) -> ProbeEntries:
    return replace(entries, weight=entries.weight * factor)


def test_recovers_an_injected_scale_factor_without_noise(noiseless_toy):
    measured = run(noiseless_toy)
    for flavour in MEASURED:
        np.testing.assert_allclose(measured.sf[flavour], noiseless_toy.truth[flavour], rtol=0, atol=1e-9)


def test_the_number_of_simulated_events_and_their_scale_do_not_matter(noiseless_toy):
    nominal = run(noiseless_toy)
    heavier = {name: RegionEntries(r.data, scaled(r.simulation, 1000.0)) for name, r in noiseless_toy.entries.items()}
    twice = {
        name: RegionEntries(r.data, r.simulation[np.tile(np.arange(len(r.simulation)), 2)])
        for name, r in noiseless_toy.entries.items()
    }
    for changed in (heavier, twice):
        again = run(noiseless_toy, changed)
        for flavour in MEASURED:
            np.testing.assert_allclose(again.sf[flavour], nominal.sf[flavour], rtol=1e-9)


def test_a_bin_without_simulation_of_the_flavour_is_not_measured(noiseless_toy):
    region = noiseless_toy.entries["hf"]
    probe = region.simulation.probe
    index = np.flatnonzero(~((probe.flavour == 0) & (probe.discriminant > 0.7) & (probe.pt_gev > 60)))
    without = {**noiseless_toy.entries, "hf": RegionEntries(region.data, region.simulation[index])}
    found = run(noiseless_toy, without, max_change=1e-6)
    sf, measured = found.sf["b"], found.measured["b"]
    assert (sf[1, 0, 4], measured[1, 0, 4]) == (1.0, False)
    assert np.delete(measured.ravel(), 9).all()
    assert np.isfinite(sf).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["data", "simulation"])
def test_a_weight_that_is_not_finite_is_an_error_and_no_bin_without_measurement(noiseless_toy, kind, value):
    """One broken weight in millions made every bin of its kinematic row 1, as if nothing were there."""
    region = noiseless_toy.entries["hf"]
    broken = getattr(region, kind).weight.copy()
    broken[7] = value
    changed = replace(region, **{kind: replace(getattr(region, kind), weight=broken)})
    with pytest.raises(ValueError, match="region hf, nominal: "):
        run(noiseless_toy, {**noiseless_toy.entries, "hf": changed})


def test_an_iteration_that_still_moves_says_so(noiseless_toy):
    with pytest.raises(NotConvergedError, match=r"still move by .* > 1e-13 after 2 iterations"):
        run(noiseless_toy, max_iterations=2)


def test_contamination_is_what_makes_it_iterate(noiseless_toy):
    """The error after one iteration is of the order of the contamination times the other flavour's deviation."""
    changes = tag_and_probe(noiseless_toy).iterate(max_change=1e-10, max_iterations=60).changes[0]
    assert changes[0] > 0.05
    # Jacobi: the square of the rate per iteration is (m_Hl m_Lb)/(m_Hb m_Ll), here below 0.5 in every bin
    assert changes[-1] < 1e-3 * changes[3]


def test_variations_side_by_side_are_bit_for_bit_those_that_run_alone(noiseless_toy):
    method = tag_and_probe(noiseless_toy)
    rng = np.random.default_rng(1)
    drawn = {
        kind: {
            name: getattr(r, kind).weight[:, None] * rng.poisson(5, (len(getattr(r, kind)), 4)).astype(float)
            for name, r in noiseless_toy.entries.items()
        }
        for kind in ("data", "simulation")
    }
    limits = {"max_change": 1e-7, "max_iterations": 100}

    def iterated(columns):
        chosen = {kind: {name: w[:, columns] for name, w in of.items()} for kind, of in drawn.items()}
        names = tuple(f"variation {k}" for k in columns)
        return method.iterate(
            method.variations(names, **chosen, column=np.arange(len(names), dtype=np.int32)), **limits
        )

    together = iterated([0, 1, 2, 3])
    assert len({len(changes) for changes in together.changes}) > 1
    for k in range(4):
        alone = iterated([k])
        assert alone.sf[0].tobytes() == together.sf[k].tobytes()
        assert alone.changes[0] == together.changes[k]


def test_an_error_names_the_variation(noiseless_toy):
    method = tag_and_probe(noiseless_toy)
    without = {name: r.simulation.weight[:, None] * np.array([1.0, -1.0]) for name, r in noiseless_toy.entries.items()}
    variations = method.variations(("fine", "broken"), simulation=without, column=np.array([0, 1], np.int32))
    with pytest.raises(
        ValueError, match=r"region hf, broken: .* GeV, .*: -1\.4 for 1\.84 in data; lower event_weight.n_pt"
    ):
        method.iterate(variations, max_change=1e-6, max_iterations=50)


# --- contamination through curves

LIGHT_EDGES = (-1.0, 0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.01)


def without_noise(toy):
    """Return the toy with its simulation, weighted with the true scale factors, as data."""
    entries = {}
    for name, region in toy.entries.items():
        simulation, sf = region.simulation, np.ones(len(region.simulation))
        for number, flavour in enumerate(FLAVOURS):
            chosen = np.flatnonzero(simulation.probe.flavour == number)
            sf[chosen] = toy.truth(flavour, simulation.probe[chosen])
        entries[name] = RegionEntries(scaled(simulation, sf), simulation)
    return replace(toy, entries=entries)


def distances_to_truth(toy, contamination):
    """Return by bin of b jets the scale factor minus the mean of the true one over the bin's jets."""
    fine = (-1.0, *np.linspace(0.0, 1.0, 21).round(3))
    edges = {"b": fine, "udsg": LIGHT_EDGES}
    bins = {f: Bins(pt_gev=(20, 1000), abseta=(0, 2.5), discriminant=e) for f, e in edges.items()}
    settings = Binned(bins=bins, n_bootstrap=0, contamination=contamination)
    table = measure_binned(toy.measurement(EventWeight(kappa=False)), settings).flavours["b"]
    simulation = toy.entries["hf"].simulation
    of_b = np.flatnonzero(simulation.probe.flavour == 0)
    probe, weight = simulation.probe[of_b], simulation.weight[of_b]
    true, jets = (np.bincount(table.bins.index(probe), w)[1:] for w in (weight * toy.truth("b", probe), weight))
    return table.sf.ravel()[1:] - true / jets


def test_curves_of_a_flavour_with_wide_bins_distort_others_less_than_its_steps(shape_toy):
    """Twenty bins of b jets over seven of light jets, which contaminate them: all that is off is the contamination."""
    toy = without_noise(shape_toy(60_000, 11))
    steps, smooth = (np.abs(distances_to_truth(toy, form)).max() for form in ("binned", "smooth"))
    assert steps > 0.02
    assert smooth < 0.4 * steps


def test_a_bin_with_too_few_effective_entries_is_not_measured(noiseless_toy):
    region = noiseless_toy.entries["hf"]
    probe = region.simulation.probe
    in_bin = (probe.flavour == 0) & (probe.discriminant > 0.7) & (probe.pt_gev > 60)
    bins = {name: FlavourBins.of(noiseless_toy.bins[name]) for name in MEASURED}

    def measured(limit):
        method = TagAndProbe(
            noiseless_toy.entries, noiseless_toy.regions, FLAVOURS, bins, EventWeight(n_pt=4, n_abseta=3),
            min_effective_entries=limit,
        )  # fmt: skip
        return method.split(method.iterate(max_change=1e-9, max_iterations=100).measured[0])["b"][1, 0, 4]

    weight = region.simulation.weight[in_bin]
    effective = weight.sum() ** 2 / (weight**2).sum()
    assert measured(effective * (1 - 1e-9))
    assert not measured(effective * (1 + 1e-9))


def test_effective_entries_by_hand():
    # 1, 1, 2: 16 / 6; 3, -1: 4 / 10; none
    found = effective_entries(np.array([0, 0, 0, 1, 1]), np.array([1.0, 1.0, 2.0, 3.0, -1.0]), 3)
    np.testing.assert_allclose(found, [16 / 6, 0.4, 0.0])
