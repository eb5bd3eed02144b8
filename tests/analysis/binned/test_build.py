"""The whole binned measurement: which shifts there are, how each is normalised, which bins are measured in."""

from __future__ import annotations

import numpy as np

from deepsf.config.binned import OptimisedBinning
from deepsf.config.shifts import Shifts
from tests.analysis.binned.shifted_toy import BINS, heavier, measured


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
        for method, norm in table.normalisation.items():
            assert norm.mean.tobytes() == other.normalisation[method].mean.tobytes()


def test_every_shift_has_mean_one_on_its_inclusive_sample(toy, result):
    for name, number in (("b", 0), ("c", 1), ("udsg", 2)):
        for shift in result.tables[name].shift_names:
            sample = toy.inclusive if shift.split("_")[0] not in ("jer", "pileup") else heavier(toy.inclusive, shift)
            jets = sample.of(number)
            for method in ("binned", "binned_smooth"):
                sf = result.evaluate(name, jets.jets, method, shift=shift)
                np.testing.assert_allclose((jets.weight * sf).sum() / jets.weight.sum(), 1.0, rtol=1e-12)


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
