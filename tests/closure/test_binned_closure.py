"""Known scale factors are found again: three flavours in three regions, and under every kind of shift.

Data are the simulated entries, weighted with scale factors that are constant in each bin and have mean 1 over the
scores at every pT: without noise, the measurement must give them back exactly.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import correctionlib
import numpy as np
import pytest
import yaml

from deepsf.binned.build import measure_binned
from deepsf.binned.shifts import SystematicShifts
from deepsf.config import Config
from deepsf.config.shifts import Contamination, Shifts
from deepsf.probes.bins import FlavourBins
from deepsf.probes.composition import contamination_factors
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement

SCORES = np.array([-1.0, 0.02, 0.2, 0.5, 0.9])
EDGES = [-2, 0, 0.1, 0.3, 0.7, 1]
SHARES = {
    "b": np.array([0.02, 0.08, 0.1, 0.2, 0.6]),
    "c": np.array([0.05, 0.35, 0.3, 0.2, 0.1]),
    "udsg": np.array([0.05, 0.6, 0.2, 0.1, 0.05]),
}
PT_GEV = np.array([25.0, 45.0, 150.0])
MIXTURES = {
    "hf": {"b": 0.8, "c": 0.05, "udsg": 0.15},
    "lf": {"b": 0.06, "c": 0.09, "udsg": 0.85},
    "wc": {"b": 0.1, "c": 0.65, "udsg": 0.25},
}
TAGS = {  # weight, score, flavour
    "hf": [(1.0, 0.9, "b"), (0.3, 0.5, "b"), (0.1, 0.9, "udsg")],
    "lf": [(1.0, 0.02, "udsg"), (0.2, 0.02, "b")],
    "wc": [(1.0, 0.2, "c"), (0.4, 0.02, "udsg"), (0.1, 0.5, "b")],
}
TWO_REGIONS = """
campaign: {era: test, energy_tev: 13, luminosity_ifb: 1, certified: null}
tagger: {name: t, branch: btag, working_points: {M: 0.4}}
flavours:
  b: {hadron_flavours: [5]}
  c: {hadron_flavours: [4], scale_factor: unity}
  udsg: {hadron_flavours: [0]}
samples:
  mc: {kind: simulation, files: [mc.root], cross_section_pb: 1}
  data: {kind: data, files: [data.root]}
selection: {triggers: {ee: [HLT_ee], emu: [HLT_emu]}, event_filters: []}
regions:
  hf: {enriched_flavour: b, channels: [emu], tag_above: M}
  lf: {enriched_flavour: udsg, channels: [ee], tag_below: M}
event_weight: {n_pt: 3, n_abseta: 1}
normalisation: {n_pt: 1, n_abseta: 1}
binned:
  max_change: 1.0e-12
  max_iterations: 200
  n_bootstrap: 0
  contamination: binned
  min_effective_entries: 0
  bins:
    b: {pt_gev: [20, 60, 300], abseta: [0, 2.5], discriminant: [-2, 0, 0.1, 0.3, 0.7, 1]}
    udsg: {pt_gev: [20, 40, 300], abseta: [0, 2.5], discriminant: [-2, 0, 0.1, 0.3, 1]}
"""
THIRD_REGION = """
flavours: {c: {scale_factor: measured}}
regions: {wc: {enriched_flavour: c, channels: [ee], tag_below: 0.6}}
binned: {bins: {c: {pt_gev: [20, 300], abseta: [0, 2.5], discriminant: [-2, 0, 0.1, 0.3, 0.7, 1]}}}
"""
FOURTH_FLAVOUR = "flavours: {g: {hadron_flavours: [21], scale_factor: unity}}"
SYSTEMATIC = """
shifts:
  contamination: {charm: {region: hf, size: 0.3, flavour: c}}
  statistics: false
  eigenvectors: 0
"""
NO_STATISTICS = {"statistics": False, "eigenvectors": 0}


def config(*edits: str) -> Config:
    """Return the configuration with sections of further YAML merged into it, as ``extends`` does."""

    def merged(base, update):
        return base | {k: merged(base[k], v) if isinstance(v, dict) and k in base else v for k, v in update.items()}

    tree = yaml.safe_load(TWO_REGIONS)
    for edit in edits:
        tree = merged(tree, yaml.safe_load(edit))
    return Config.model_validate(tree)


def jets(rows, names) -> Jets:
    pt, score, flavour = zip(*rows, strict=True)
    columns = np.array(pt, np.float32), np.ones(len(rows), np.float32), np.array(score, np.float32)
    return Jets(*columns, np.array([names.index(f) for f in flavour], np.int8))


@dataclass(frozen=True)
class Grid:
    """Simulation and the data that it makes under given scale factors; ``truth`` by flavour, shape of the bins."""

    settings: Config
    truth: dict[str, np.ndarray]
    shares: dict[str, np.ndarray]
    mixtures: dict[str, dict[str, float]]

    @property
    def names(self):
        return list(self.settings.flavours)

    def sf(self, jets: Jets) -> np.ndarray:
        found = np.ones(len(jets))
        for flavour, sf in self.truth.items():
            mine = jets.flavour == self.names.index(flavour)
            bins = FlavourBins.of(self.settings.binned.bins[flavour])
            found[mine] = sf.ravel()[bins.index(jets)[mine]]
        return found

    def simulation(self, region: str) -> ProbeEntries:
        grid = list(product(PT_GEV, range(len(SCORES)), self.mixtures[region], TAGS[region]))
        probe = jets([(pt, SCORES[k], flavour) for pt, k, flavour, _ in grid], self.names)
        tag = jets([(70.0, score, flavour) for *_, (_, score, flavour) in grid], self.names)
        weight = np.array([self.mixtures[region][f] * self.shares[f][k] * tag[0] for _, k, f, tag in grid])
        return ProbeEntries(np.arange(len(grid)), weight, np.zeros(len(grid), np.int8), probe, tag)

    def data(self, simulation: ProbeEntries) -> ProbeEntries:
        true = self.sf(simulation.probe) * self.sf(simulation.tag)
        unlabelled = replace(simulation.probe, flavour=np.full(len(simulation), -1, np.int8))
        return replace(simulation, weight=1.3 * simulation.weight * true, probe=unlabelled)

    def entries(self, change=lambda region, simulation: simulation) -> dict[str, RegionEntries]:
        """Return data of changed simulation, beside simulation as it is."""
        simulation = {region: self.simulation(region) for region in self.settings.regions}
        return {name: RegionEntries(self.data(change(name, s)), s) for name, s in simulation.items()}

    def inclusive(self) -> InclusiveJets:
        rows = [(pt, score, f) for pt, score, f in product(PT_GEV, SCORES, self.names)]
        weight = np.array([self.shares[f][list(SCORES).index(score)] for _, score, f in rows])
        return InclusiveJets(np.zeros(len(rows), np.int64), weight, jets(rows, self.names))

    def measure(self, measured, shifts: Shifts | None = None, **of_skim):
        settings = self.settings
        weighting = settings.event_weight, settings.normalisation
        measurement = Measurement(settings.regions, measured, settings.flavours, self.inclusive(), *weighting)
        shifts = shifts or settings.shifts
        return measure_binned(measurement, settings.binned, shifts and SystematicShifts(shifts, **of_skim))


def grid(settings: Config, sf=None, mixtures=MIXTURES, shares=SHARES) -> Grid:
    """Return a grid whose scale factors, drawn or ``sf(flavour, pT, score)``, have mean 1 over scores in each bin."""
    rng, truth = np.random.default_rng(3), {}
    for flavour in settings.measured_flavours:
        bins = FlavourBins.of(settings.binned.bins[flavour])
        column = np.searchsorted(bins.discriminant[1:-1], SCORES, side="right")
        values = rng.uniform(0.7, 1.4, bins.shape)
        if sf is not None:
            low = bins.pt_gev[:-1]
            for row, place in product(range(len(low)), range(len(SCORES))):
                values[row, :, column[place]] = sf(flavour, low[row] + 1.0, SCORES[place])
        mean = (values * np.bincount(column, shares[flavour])).sum(axis=-1, keepdims=True)
        truth[flavour] = values / mean
    return Grid(settings, truth, shares, {name: mixtures[name] for name in settings.regions})


def test_a_third_region_measures_c_jets_by_an_edit_of_the_configuration():
    toy = grid(config(THIRD_REGION))
    assert np.ptp(toy.truth["c"]) > 0.2  # and is not 1
    result = toy.measure(toy.entries())
    assert set(result.flavours) == {"b", "c", "udsg"}
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf, truth, rtol=0, atol=1e-9)


def test_measured_c_jets_have_the_shifts_of_all_others_and_no_cferr():
    toy = grid(config(THIRD_REGION))
    result = toy.measure(toy.entries(), Shifts(cferr="no flavour", **NO_STATISTICS))
    assert result.unit == {}
    assert result.flavours["c"].shift_names == ("nominal", "lf_up", "lf_down", "hf_up", "hf_down")
    assert np.abs(result.flavours["c"].sf_of("hf_up") - toy.truth["c"]).max() > 1e-3


def test_c_jets_taken_as_one_would_spoil_the_others():
    """The same data without the third region: S_c = 1 is wrong, and b and udsg absorb it."""
    three = grid(config(THIRD_REGION))
    two = replace(three, settings=config())
    result = two.measure({name: three.entries()[name] for name in ("hf", "lf")})
    off = max(np.abs(result.flavours[f].sf - three.truth[f]).max() for f in ("b", "udsg"))
    assert off > 0.01


def test_a_further_flavour_of_unit_scale_factor_is_an_edit_of_the_configuration():
    settings = config(FOURTH_FLAVOUR)
    mixtures = {"hf": MIXTURES["hf"] | {"g": 0.05}, "lf": MIXTURES["lf"] | {"g": 0.2}}
    toy = grid(settings, mixtures=mixtures, shares=SHARES | {"g": np.array([0.05, 0.4, 0.3, 0.15, 0.1])})
    result = toy.measure(toy.entries())
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf, truth, rtol=0, atol=1e-9)


def test_a_further_systematic_is_an_edit_of_the_configuration():
    """Data have 1.3 times the c jets of simulation in one region: its shift up finds the truth, the nominal not."""
    toy = grid(config(SYSTEMATIC))

    def more_charm(region, simulation):
        is_charm = (simulation.probe.flavour == 1) & (region == "hf")
        return replace(simulation, weight=simulation.weight * np.where(is_charm, 1.3, 1.0))

    result = toy.measure(toy.entries(more_charm))
    table = result.flavours["b"]
    assert {"charm_up", "charm_down"} <= set(table.shifts)
    np.testing.assert_allclose(table.sf_of("charm_up"), toy.truth["b"], rtol=0, atol=1e-9)
    assert np.abs(table.sf - toy.truth["b"]).max() > 0.005
    assert np.abs(table.sf_of("charm_down") - toy.truth["b"]).max() > np.abs(table.sf - toy.truth["b"]).max()


@pytest.mark.parametrize(("source", "region", "own"), [("lf", "hf", 0), ("hf", "lf", 2)])
@pytest.mark.parametrize(("direction", "factor"), [("up", 1.2), ("down", 0.8)])
def test_a_contamination_that_is_off_is_found_by_its_shift(source, region, own, direction, factor):
    toy = grid(config())
    result = toy.measure(toy.entries(with_contamination(region, own, factor)), Shifts(**NO_STATISTICS))
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf_of(f"{source}_{direction}"), truth, rtol=0, atol=1e-9)
    assert max(np.abs(result.flavours[f].sf - t).max() for f, t in toy.truth.items()) > 0.01


@pytest.mark.parametrize("slopes", [{"pt_slope": 0.1}, {"score_slope": -0.2}, {"pt_slope": -0.1, "score_slope": 0.15}])
def test_a_contamination_that_is_tilted_is_found_by_its_shift(slopes):
    # scale factors of the contamination are 1: times a tilt in the score, others would also change its rate
    toy = grid(config(), lambda flavour, pt, score: 1.0 + 0.3 * score * (flavour == "b"))
    tilt = Contamination(region="hf", size=0.05, **slopes)

    def tilted(region, simulation):
        factors = contamination_factors(simulation.probe, toy.names, "b", tilt) if region == "hf" else 1.0
        return replace(simulation, weight=simulation.weight * factors)

    shifts = Shifts(contamination={"lf": Contamination(region="hf"), "lftilt": tilt}, **NO_STATISTICS)
    result = toy.measure(toy.entries(tilted), shifts)
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf_of("lftilt_up"), truth, rtol=0, atol=1e-9)
    off = np.abs(result.flavours["b"].sf - toy.truth["b"]).max()
    assert off > 0.003
    assert np.abs(result.flavours["b"].sf_of("lftilt_down") - toy.truth["b"]).max() > 1.5 * off


def reweighted(region, simulation):
    ratio = 1 + 0.3 * (simulation.probe.flavour == 2) * (simulation.tag.discriminant > 0.5)
    return replace(simulation, weight=simulation.weight * ratio)


def moved(region, simulation):
    """Some light jets are harder: they contaminate another bin of b jets."""
    probe = simulation.probe
    pt = np.where((probe.flavour == 2) & (probe.pt_gev == 45), np.float32(150.0), probe.pt_gev)
    return replace(simulation, probe=replace(probe, pt_gev=pt))


def offered(toy: Grid, measured) -> dict[str, Any]:
    """Return the shifts of a skim whose data are the measured ones, as they are under every shift."""

    def entries(name):
        change = {"genscale_up": reweighted, "jesTotal_up": moved}[name]
        return {r: RegionEntries(e.data, change(r, e.simulation)) for r, e in measured.items()}

    names = {"kinematic": ("jesTotal_up",), "weights": ("genscale_up",)}
    return {**names, "entries": entries, "inclusive": lambda name: toy.inclusive()}


@pytest.mark.parametrize(("shift", "change"), [("genscale_up", reweighted), ("jesTotal_up", moved)])
def test_a_shift_of_the_skim_finds_the_truth_where_data_have_it(shift, change):
    toy = grid(config())
    in_data = toy.entries(change)
    result = toy.measure(in_data, Shifts(**NO_STATISTICS), **offered(toy, in_data))
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf_of(shift), truth, rtol=0, atol=1e-9)
    assert max(np.abs(result.flavours[f].sf - t).max() for f, t in toy.truth.items()) > 0.003


def test_a_correlation_of_tag_and_probe_moves_what_a_tighter_cut_on_the_tag_finds():
    """Data have other b jets beside the loose tags of hf: the nominal absorbs them, the tight tags find the truth."""
    toy = grid(config())

    def beside_loose_tags(region, simulation):
        loose = (region == "hf") & (simulation.tag.discriminant < 0.7) & (simulation.probe.flavour == 0)
        factor = np.where(simulation.probe.discriminant > 0.3, 1.2, 0.8)
        return replace(simulation, weight=simulation.weight * np.where(loose, factor, 1.0))

    cuts = Shifts(tag_cuts={"hf": {"above": 0.7}}, **NO_STATISTICS)
    result = toy.measure(toy.entries(beside_loose_tags), cuts)
    table, truth = result.flavours["b"], toy.truth["b"]
    np.testing.assert_allclose(table.sf_of("tagcut_up"), truth, rtol=0, atol=1e-9)
    assert np.abs(table.sf - truth).max() > 0.01
    np.testing.assert_allclose(table.sf_of("tagcut_down"), 2 * table.sf - truth, rtol=0, atol=1e-9)
    # what the simulation describes does not move
    for flavour, values in toy.measure(toy.entries(), cuts).flavours.items():
        np.testing.assert_allclose(values.sf_of("tagcut_up"), toy.truth[flavour], rtol=0, atol=1e-9)


def test_cuts_on_the_tag_may_be_named_by_working_points():
    toy = grid(config())
    by_name = Shifts(tag_cuts={"hf": {"above": "T"}, "lf": {"below": "VL"}}, **NO_STATISTICS)
    by_value = Shifts(tag_cuts={"hf": {"above": 0.7}, "lf": {"below": 0.1}}, **NO_STATISTICS)
    named = toy.measure(toy.entries(), by_name, working_points={"T": 0.7, "VL": 0.1}).flavours["b"]
    valued = toy.measure(toy.entries(), by_value).flavours["b"]
    assert named.sf_of("tagcut_up").tobytes() == valued.sf_of("tagcut_up").tobytes()
    assert "tagcut_up" not in toy.measure(toy.entries(), Shifts(**NO_STATISTICS)).flavours["b"].shifts


def with_contamination(region, own, factor):
    """Return a change of simulation: other flavours than ``own`` weigh ``factor`` in the region."""

    def change(name, simulation):
        is_other = (simulation.probe.flavour != own) & (name == region)
        return replace(simulation, weight=simulation.weight * np.where(is_other, factor, 1.0))

    return change


@pytest.fixture
def public_table():
    """Return a function ``systematic`` -> grid whose true scale factors are those of the public UL2017 table."""
    reference = os.environ.get("DEEPSF_REFERENCE_SF")
    if not reference:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file with deepJet_shape")
    table, codes = correctionlib.CorrectionSet.from_file(reference)["deepJet_shape"], {"b": 5, "udsg": 0}

    def of(systematic):
        toy = grid(config(), lambda flavour, pt, score: table.evaluate(systematic, codes[flavour], 1.0, pt, score))
        assert all(np.ptp(truth) > 0.05 for truth in toy.truth.values())
        return toy

    return of


@pytest.mark.parametrize("systematic", ["central", "up_lf", "down_lf", "up_hf", "down_hf"])
def test_every_systematic_of_a_public_table_is_found_where_it_is_the_truth(public_table, systematic):
    toy = public_table(systematic)
    result = toy.measure(toy.entries(), Shifts(**NO_STATISTICS))
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf, truth, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("shift", "region", "own", "factor"),
    [("lf_up", "hf", 0, 1.2), ("lf_down", "hf", 0, 0.8), ("hf_up", "lf", 2, 1.2), ("hf_down", "lf", 2, 0.8)],
)
def test_a_public_table_closes_under_the_purity_shifts(public_table, shift, region, own, factor):
    toy = public_table("central")
    result = toy.measure(toy.entries(with_contamination(region, own, factor)), Shifts(**NO_STATISTICS))
    for flavour, truth in toy.truth.items():
        np.testing.assert_allclose(result.flavours[flavour].sf_of(shift), truth, rtol=0, atol=1e-9)
    assert max(np.abs(result.flavours[f].sf - t).max() for f, t in toy.truth.items()) > 0.01
