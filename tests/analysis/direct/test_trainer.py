"""The classifiers behind the direct density ratio: which networks there are, and messages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.config.direct import Direct
from deepsf.config.flavours import Flavour
from deepsf.config.training import Training
from deepsf.direct.trainer import DirectTraining
from deepsf.probes.entries import RegionEntries
from deepsf.seeds import seed_sequence
from deepsf.training.engine import NonFiniteLossError
from tests.analysis.other_order import in_other_order

SHORT = Direct(layers=3, batch_size=1024, first_passes=0.2, passes=0.5, posterior_passes=0.2)


def training(toy, settings=SHORT) -> DirectTraining:
    return DirectTraining(toy.measurement(), Training().inputs, settings, seed_sequence(1, "direct", 0))


def test_two_flavours_are_enough(shape_toy):
    toy = shape_toy(5_000, 7)
    merged = {"b": Flavour(hadron_flavours=(5,)), "udsg": Flavour(hadron_flavours=(0, 4))}

    def fewer(jets):
        return replace(jets, flavour=np.where(jets.flavour > 0, 1, jets.flavour).astype(np.int8))

    entries = {}
    for name, region in toy.entries.items():
        simulation = region.simulation
        both = replace(simulation, probe=fewer(simulation.probe), tag=fewer(simulation.tag))
        entries[name] = RegionEntries(region.data, both)
    inclusive = replace(toy.inclusive, jets=fewer(toy.inclusive.jets))
    direct = training(replace(toy, entries=entries, flavours=merged, inclusive=inclusive))
    direct.run()
    assert set(direct.sf_networks) == set(merged)
    records = [values for record in direct.history.values() for values in record.values()]
    assert records
    assert all(np.isfinite(values).all() for values in records)


def test_the_order_of_regions_and_flavours_changes_no_number(shape_toy):
    measurement = shape_toy(3_000, 3).measurement()
    one, other = (
        DirectTraining(arranged, Training().inputs, SHORT, seed_sequence(1, "direct", 0))
        for arranged in (measurement, in_other_order(measurement))
    )
    one.run()
    other.run()
    assert one.history == other.history
    for flavour, network in one.sf_networks.items():
        weights, others = network.state_dict(), other.sf_networks[flavour].state_dict()
        assert [name for name in weights if not torch.equal(weights[name], others[name])] == []


def test_a_region_without_the_flavour_that_it_enriches_is_named(shape_toy):
    toy = shape_toy(2_000, 8)
    region = toy.entries["lf"]
    kept = np.flatnonzero(region.simulation.probe.flavour != 2)
    entries = {**toy.entries, "lf": RegionEntries(region.data, region.simulation[kept])}
    message = rf"region lf: none of its {len(kept)} simulated probe jets is of flavour udsg, .* check its cuts"
    with pytest.raises(ValueError, match=message):
        training(replace(toy, entries=entries))


def test_a_non_finite_loss_names_step_and_ranges(shape_toy):
    toy = shape_toy(5_000, 9)
    region = toy.entries["hf"]
    heavy = np.where(np.arange(len(region.data)) % 7 == 0, 1e37, 1.0)
    broken = {**toy.entries, "hf": RegionEntries(replace(region.data, weight=heavy), region.simulation)}
    direct = training(replace(toy, entries=broken), Direct(layers=3, batch_size=1024))
    with pytest.raises(NonFiniteLossError, match=r"the loss is (nan|inf) at step \d+ .*discriminant \[.*lower the"):
        direct.run()


def test_an_ensemble_of_one_member_is_refused_by_the_configuration():
    with pytest.raises(ValueError, match=r"n_members\s+Input should be greater than or equal to 2"):
        Direct(n_members=1)
