"""A further input variable: from the configuration through training and ensemble to evaluation."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from deepsf.adversarial.train import train_member
from deepsf.binned.build import measure_binned
from deepsf.config.binned import Binned, Bins
from deepsf.config.flavours import hadron_flavours
from deepsf.config.training import Training, Variable
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.networks.ensemble import aggregate
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.seeds import seed_sequence

BINS = {
    flavour: Bins(pt_gev=(20, 1000), abseta=(0, 2.5), discriminant=(-1, 0, 0.1, 0.5, 1.01)) for flavour in ("b", "udsg")
}


def with_width(jets: Jets, seed: int) -> Jets:
    """Return the jets with a width; a tenth of them has none."""
    rng = np.random.default_rng(seed)
    width = np.where(rng.random(len(jets)) < 0.1, -1.0, rng.uniform(0, 1, len(jets)))
    return replace(jets, extra={"width": width.astype(np.float32)})


def with_widths(entries: ProbeEntries, seed: int) -> ProbeEntries:
    return replace(entries, probe=with_width(entries.probe, seed), tag=with_width(entries.tag, seed + 1))


def test_scale_factors_follow_an_input_that_the_binned_ones_do_not_know(shape_toy):
    """Data have 1.3 times more wide than narrow jets of high score: only a network that sees the width can tell."""
    toy = shape_toy(10_000, 8)
    entries = {}
    for number, (name, region) in enumerate(toy.entries.items()):
        data, simulation = with_widths(region.data, 10 * number), with_widths(region.simulation, 10 * number + 5)
        wide, high = data.probe.extra["width"] > 0.5, data.probe.discriminant > 0.6
        tilted = np.where(high, np.where(wide, 1.3, 0.7), 1.0)
        entries[name] = RegionEntries(replace(data, weight=data.weight * tilted), simulation)
    toy = replace(toy, entries=entries, inclusive=replace(toy.inclusive, jets=with_width(toy.inclusive.jets, 99)))
    inputs = Training().inputs | {"width": Variable(invalid_below=0.0)}
    measurement = toy.measurement(EventWeight(n_pt=4, n_abseta=2), Normalisation(n_pt=2, n_abseta=1))
    settings = Training(inputs=inputs, layers=2, units=32, batch_size=512, passes=8, precision="fp32")
    members = [train_member(measurement, settings, seed_sequence(1, "deepsf", number))[0] for number in (0, 1)]
    ensemble = EnsembleScaleFactor(tuple(members), hadron_flavours(toy.flavours))

    wide, narrow = (ensemble.evaluate("b", 1.0, 60.0, 0.9, width=width).mean for width in (0.9, 0.1))
    assert wide / narrow > 1.4
    # jets without a width are a kind of their own, of 0.7 as the narrow ones, and not at the end of a range
    none = [ensemble.evaluate("b", 1.0, 60.0, 0.9, width=width).mean for width in (-1.0, -5.0, np.nan)]
    assert none[0] == none[1] == none[2]
    assert wide / none[0] > 1.4

    binned = measure_binned(measurement, Binned(bins=BINS, n_bootstrap=0))
    grid = json.loads(aggregate(ensemble, toy.regions, entries, binned.bins).grid_json)
    assert np.isfinite(grid["b"]["mean"]).all()
