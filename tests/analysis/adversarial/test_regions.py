"""What a member sees of a region: batches, purity, bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.adversarial.regions import Batches, TrainingRegion, training_regions
from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.training import Training, Variable
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.networks.jet_inputs import InputScaling
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.measurement import Measurement
from tests.analysis.adversarial.conftest import NO_INCLUSIVE_JETS

INPUTS = {"pt": Variable(transform="log"), "discriminant": Variable(transform="logit")}


def entries(n, flavour, seed):
    rng = np.random.default_rng(seed)
    columns = rng.uniform(20, 200, n), rng.uniform(0, 2.4, n), rng.uniform(0.01, 0.99, n)
    jets = Jets(*(c.astype(np.float32) for c in columns), np.asarray(flavour, np.int8))
    # two entries an event
    return ProbeEntries(np.arange(n) // 2, np.ones(n), np.zeros(n, np.int8), jets, jets)


@pytest.fixture
def region():
    kinds = np.arange(6000) % 4 == 0
    return RegionEntries(entries(3000, np.full(3000, -1), 1), entries(6000, kinds, 2))


def test_a_pass_of_batches_sees_every_entry_once():
    indices = torch.arange(10, 20)
    batches = Batches(indices, 5, torch.Generator().manual_seed(1))
    seen = torch.cat([next(batches), next(batches)])
    assert sorted(seen.tolist()) == indices.tolist()
    assert not torch.equal(torch.cat([next(batches), next(batches)]), seen)


def test_batches_go_on_from_any_position():
    def fresh(seed):
        return Batches(torch.arange(10, 20), 4, torch.Generator().manual_seed(seed))

    for n_before in range(6):
        batches, other = fresh(1), fresh(2)
        for _ in range(n_before):
            next(batches)
        place = batches.drawn_from, batches.position
        expected = [next(batches).tolist() for _ in range(4)]
        other.restore(*place)
        assert [next(other).tolist() for _ in range(4)] == expected


def test_a_batch_is_never_larger_than_the_sample():
    batches = Batches(torch.arange(3), 5, torch.Generator().manual_seed(1))
    assert len(next(batches)) == 3


def test_purity_is_the_share_of_the_flavour_and_never_zero(region):
    scaling = InputScaling.fit(INPUTS, [region.simulation.probe])
    none_held = np.zeros(3000, bool), np.zeros(6000, bool)
    weight = EventWeight(n_pt=2, n_abseta=1)
    trained = TrainingRegion("hf", 1, region, {1: scaling}, weight, none_held, None)
    # a quarter of the entries, whatever their kinematics: on average the histogram must say so
    assert trained.purity.mean().item() == pytest.approx(0.25, abs=0.03)
    assert trained.purity.min() >= 1e-3
    # flavour 2 does not occur: the smallest purity, not zero
    absent = TrainingRegion("hf", 2, region, {2: scaling}, weight, none_held, None)
    torch.testing.assert_close(absent.purity, torch.full((6000,), 1e-3))


def test_a_bootstrap_member_counts_events_as_often_as_they_were_drawn(region):
    measurement = Measurement(
        regions={"hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5)},
        entries={"hf": region},
        flavours={"udsg": Flavour(hadron_flavours=(0,), scale_factor="unity"), "b": Flavour(hadron_flavours=(5,))},
        inclusive=NO_INCLUSIVE_JETS,
        event_weight=EventWeight(n_pt=2, n_abseta=1),
        normalisation=Normalisation(),
    )
    settings = Training(inputs=INPUTS, layers=1, units=4, resample="bootstrap", precision="fp32")
    trained = training_regions(measurement, settings, np.random.SeedSequence(1))["b"]
    used = torch.cat([trained.train[1], trained.validation[1]])
    factors = trained.importance.numpy()
    # Poisson(1): a share exp(-1) of the 3000 events is not drawn at all, with an error of 0.009
    assert 1 - len(used) / 6000 == pytest.approx(np.exp(-1), abs=0.035)
    assert (factors[used.numpy()] >= 1).all()
    np.testing.assert_array_equal(factors[::2], factors[1::2])
    np.testing.assert_array_equal(factors, np.round(factors))
    assert trained.n_train_data == pytest.approx(0.8 * 3000, rel=0.1)
