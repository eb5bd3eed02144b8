"""Nominal scale factors, their bootstraps and the errors that these give."""

from __future__ import annotations

import numpy as np

from deepsf.binned.build import measure_binned
from deepsf.binned.measurement import measure, spread
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.config.binned import Binned, Bins
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from tests.analysis.binned.shifted_toy import BINS
from tests.analysis.other_order import in_other_order, turned


def test_the_error_of_a_pure_bin_is_poissonian():
    """One bin of 400 data over 10000 simulated jets of S = 1: sqrt(1/400 + 1/10000) = 0.051, the shape takes its part.

    Half of the events lie in the bin, so that the normalisation to data halves the data's part of the variance:
    S = (n/N) / (m/M), relative variance (1 - 1/2)(1/400 + 1/10000), error 0.0361.
    """

    def entries(n, flavour):
        score = np.where(np.arange(n) % 2, 0.2, 0.8).astype(np.float32)
        jets = Jets(np.full(n, 50, np.float32), np.ones(n, np.float32), score, np.full(n, flavour, np.int8))
        return ProbeEntries(np.arange(n), np.ones(n), np.zeros(n, np.int8), jets, jets)

    bins = Bins(pt_gev=(20, 100), abseta=(0, 2.5), discriminant=(-1, 0, 0.5, 1))
    method = TagAndProbe(
        {"hf": RegionEntries(entries(800, -1), entries(20000, 0))},
        {"hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5)},
        ("b",),
        {"b": FlavourBins.of(bins)},
        EventWeight(n_pt=1, n_abseta=1, jets="contamination_only"),
    )
    measured = measure(method, Binned(bins={"b": bins}, n_bootstrap=400))
    np.testing.assert_allclose(measured.sf["b"][0, 0, 1:], 1.0)
    # 400 replicas know an error to 3.5 %; four of those
    np.testing.assert_allclose(measured.error("b")[0, 0, 1:], 0.0361, rtol=0.14)


def test_the_spread_leaves_out_what_a_replica_could_not_measure():
    # 1, 3: standard deviation sqrt(2); that of a single value is not known
    replicas = np.array([[1.0, 9.0], [3.0, 2.0], [9.0, 9.0]])
    np.testing.assert_allclose(spread(replicas, replicas < 9), [np.sqrt(2.0), 0.0])
    assert (spread(replicas[:1], replicas[:1] < 9) == 0).all()


def test_the_order_of_regions_and_flavours_changes_no_number(toy):
    measurement = toy.measurement(EventWeight(n_pt=4, n_abseta=2))
    one, other = (
        measure_binned(arranged, Binned(bins=bins, n_bootstrap=5)).flavours
        for arranged, bins in ((measurement, BINS), (in_other_order(measurement), turned(BINS)))
    )
    for name in BINS:
        for values in ("sf", "replicas", "smooth"):
            assert getattr(one[name], values).tobytes() == getattr(other[name], values).tobytes(), values


def test_bootstraps_do_not_depend_on_how_many_run_side_by_side(toy, monkeypatch):
    measurement = toy.measurement(EventWeight(n_pt=4, n_abseta=2))
    bins = {name: FlavourBins.of(edges) for name, edges in BINS.items()}
    method = TagAndProbe(measurement.entries, measurement.regions, measurement.names, bins, measurement.event_weight)
    settings = Binned(bins=BINS, n_bootstrap=5)
    together = measure(method, settings)
    monkeypatch.setattr("deepsf.binned.measurement.REPLICAS_AT_ONCE", 2)
    in_turn = measure(method, settings)
    for name in bins:
        assert together.replicas[name].shape == (5, *bins[name].shape)
        assert together.replicas[name].tobytes() == in_turn.replicas[name].tobytes()
    assert (together.error("b")[..., 1:] > 0).all()
