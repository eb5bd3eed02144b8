"""The binned scale factor with all of its shifts: what a file holds, what events are weighted with."""

from __future__ import annotations

import json
from dataclasses import replace

import hist
import numpy as np
import pytest
import uhi.io.json

from deepsf.binned.build import measure_and_build
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.binned.shifts import SkimShifts
from deepsf.config.binned import Binned, Bins, OptimisedBinning
from deepsf.config.shifts import Shifts
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.probes.entries import RegionEntries

BINS = {
    "b": Bins(pt_gev=(20, 60, 1000), abseta=(0, 2.5), discriminant=(-1, 0, 0.2, 0.5, 0.8, 1.01)),
    "udsg": Bins(pt_gev=(20, 1000), abseta=(0, 1.2, 2.5), discriminant=(-1, 0, 0.05, 0.2, 1.01)),
}
WEIGHTS, KINEMATIC = ("pileup_up", "pileup_down"), ("jer_up", "jer_down")


def heavier(entries, name):
    """Return entries, or inclusive jets, of the shift: of other weights, or harder jets."""
    sign = 1.0 if name.endswith("_up") else -1.0
    if name in WEIGHTS:
        probe = entries.jets if hasattr(entries, "jets") else entries.probe
        return replace(entries, weight=entries.weight * (1 + 0.1 * sign * probe.discriminant))
    kinds = ("jets",) if hasattr(entries, "jets") else ("probe", "tag")
    harder = {k: getattr(entries, k) for k in kinds}
    factor = np.float32(1 + 0.05 * sign)
    return replace(entries, **{k: replace(jets, pt_gev=jets.pt_gev * factor) for k, jets in harder.items()})


def measured(toy, shifts=None, **settings):
    skim = SkimShifts(
        KINEMATIC,
        WEIGHTS,
        lambda name: {n: RegionEntries(r.data, heavier(r.simulation, name)) for n, r in toy.regions.items()},
        lambda name: heavier(toy.inclusive, name),
    )
    return measure_and_build(
        toy.regions,
        toy.definitions,
        toy.flavours,
        toy.inclusive,
        settings=Binned(bins=BINS, n_bootstrap=12, **settings),
        event_weight=EventWeight(n_pt=4, n_abseta=2),
        normalisation=Normalisation(n_pt=2, n_abseta=1),
        shifts=shifts,
        skim=skim,
    )


@pytest.fixture
def toy(shape_toy):
    return shape_toy(8000, 4, negative=0.05)


@pytest.fixture
def result(toy):
    return measured(toy, Shifts(eigenvectors=3))


def test_every_source_is_there_up_and_down(result):
    sources = ["lf", "hf", "hfstats1", "hfstats2", "lfstats1", "lfstats2", "pileup", "stat1", "stat2", "stat3", "jer"]
    names = [f"{source}_{direction}" for source in sources for direction in ("up", "down")]
    assert sorted(result.flavours["b"].shift_names) == sorted(["nominal", *names])
    of_charm = ["nominal", *(f"cferr{k}_{d}" for k in (1, 2) for d in ("up", "down"))]
    assert list(result.unit["c"].shift_names) == of_charm
    assert set(result.shift_names) == {"nominal", *names, *of_charm}


def test_shifts_leave_the_nominal_alone_to_the_last_bit(toy, result):
    without = measured(toy)
    assert without.shift_names == ("nominal",)
    for name, table in without.flavours.items():
        other = result.flavours[name]
        for attribute in ("sf", "error", "replicas", "smooth"):
            assert getattr(table, attribute).tobytes() == getattr(other, attribute).tobytes()
        for form, norm in table.normalisation.items():
            assert norm.mean.tobytes() == other.normalisation[form].mean.tobytes()


def test_a_file_gives_back_the_same_numbers_and_the_same_bytes(toy, result):
    text = result.to_json()
    again = BinnedScaleFactor.from_json(text)
    assert again.to_json() == text
    for flavour in ("b", "c", "udsg"):
        for shift in result.shift_names:
            for form in ("binned", "binned_smooth"):
                np.testing.assert_array_equal(
                    again.evaluate(flavour, toy.inclusive.jets, form, shift=shift),
                    result.evaluate(flavour, toy.inclusive.jets, form, shift=shift),
                )


def test_the_file_is_a_histogram_with_a_shift_axis(result):
    content = json.loads(result.to_json(), object_hook=uhi.io.json.object_hook)
    histogram = hist.Hist(content["flavours"]["b"]["scale_factor"])
    assert [axis.name for axis in histogram.axes] == ["shift", "pt", "abseta", "discriminant"]
    table = result.flavours["b"]
    np.testing.assert_array_equal(histogram["lf_up", ...].values(), table.sf_of("lf_up"))
    np.testing.assert_allclose(np.sqrt(histogram["nominal", ...].variances()), table.error)
    # 3 of at most 11 eigenvectors: more than their number's share, less than everything
    assert 3 / 11 < content["covariance"]["carried"][-1] < 1
    assert len(content["covariance"]["eigenvalues"]) == 3


def test_every_shift_has_mean_one_on_its_inclusive_sample(toy, result):
    for name, number in (("b", 0), ("c", 1), ("udsg", 2)):
        for shift in result.tables[name].shift_names:
            sample = toy.inclusive if shift.split("_")[0] not in ("jer", "pileup") else heavier(toy.inclusive, shift)
            own = sample.of(number)
            for form in ("binned", "binned_smooth"):
                sf = result.evaluate(name, own.jets, form, shift=shift)
                np.testing.assert_allclose((own.weight * sf).sum() / own.weight.sum(), 1.0, rtol=1e-12)


def test_a_shift_of_another_flavour_gives_the_nominal(toy, result):
    jets = toy.inclusive.jets
    np.testing.assert_array_equal(result.evaluate("b", jets, shift="cferr1_up"), result.evaluate("b", jets))
    np.testing.assert_array_equal(result.evaluate("c", jets, shift="lf_up"), np.ones(len(jets)))
    assert np.ptp(result.evaluate("c", jets, shift="cferr1_up")) > 0.01
    assert np.abs(result.evaluate("b", jets, shift="lf_up") - result.evaluate("b", jets)).max() > 0.01


def test_an_unknown_shift_is_an_error(toy, result):
    with pytest.raises(KeyError, match="no shift 'jesFlavour_up'; there are nominal, lf_up"):
        result.evaluate("b", toy.inclusive.jets, shift="jesFlavour_up")


def test_eigenvectors_are_the_covariance_of_the_bootstraps(result):
    table = result.flavours

    def step_of(k):  # bins that were not measured do not vary
        return np.nan_to_num(
            np.concatenate([(table[f].sf_of(f"stat{k}_up") - table[f].sf).ravel() for f in ("b", "udsg")])
        )

    steps = [step_of(k) for k in (1, 2, 3)]
    covariance = result.covariance()
    sizes = [step @ step for step in steps]
    np.testing.assert_allclose(sizes, covariance.values[:3])
    # along an eigenvector the covariance is its eigenvalue
    for step, size in zip(steps, sizes, strict=True):
        np.testing.assert_allclose(covariance.matrix @ step, size * step, atol=1e-12)
    down = table["b"].sf - table["b"].sf_of("stat1_down")
    np.testing.assert_allclose(down, table["b"].sf_of("stat1_up") - table["b"].sf, atol=1e-12)


def test_without_cferr_the_unit_flavour_has_no_table(toy):
    result = measured(toy, Shifts(cferr=None, statistics=False, eigenvectors=0, kinematic=(), weights=()))
    assert result.unit == {}
    assert result.shift_names == ("nominal", "lf_up", "lf_down", "hf_up", "hf_down")


def test_optimised_bins_are_what_is_measured_in(toy):
    result = measured(toy, None, optimise=OptimisedBinning(n_fine=50))
    edges = result.flavours["udsg"].bins.discriminant
    assert len(edges) == 5
    assert not np.allclose(edges, BINS["udsg"].discriminant)
    assert np.isfinite(result.flavours["udsg"].sf[..., 1:]).all()
