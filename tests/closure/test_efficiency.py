"""Efficiencies on a toy that no shipped configuration describes: other kernel, amplitudes and scalar, one training."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepsf.config import load
from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.config.efficiency.networks import Gnn
from deepsf.efficiency.audit.jet_closure import relative_mad
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.networks.training import member_seed, train_member
from deepsf.efficiency.toy import generate

FLAVOURS = ("b", "c", "udsg")
N_TRAIN, N_TEST = 120_000, 60_000


@pytest.fixture(scope="module")
def toy():
    """A kernel of medium width; neighbours raise the light jets' efficiency, as wrongly associated tracks do."""
    given = load(Path(__file__).parents[2] / "configs" / "efficiency_toy.yaml").efficiency.toy
    neighbours = {
        "width": {"b": 0.9, "c": 0.7, "udsg": 0.6},
        "amplitude": {
            "b": {"b": 0.40, "c": 0.25, "udsg": 0.15},
            "c": {"b": 0.35, "c": 0.30, "udsg": 0.20},
            "udsg": {"b": -1.2, "c": -0.5, "udsg": 0.10},
        },
    }
    scalar = {**given.scalar.model_dump(), "mass_gev": 125.0, "pt_mean_gev": 200.0}
    changed = {**given.model_dump(), "neighbours": neighbours, "scalar": scalar, "seed": 7}
    return type(given).model_validate(changed)


@pytest.fixture(scope="module")
def models(toy):
    """The graph network and the map, trained on the same events."""
    events, _ = generate(toy, FLAVOURS, "train", N_TRAIN)
    network, _ = train_member(events, "gnn", Gnn(passes=10, weight_decay=0.3), member_seed(7, "gnn", 0))
    return {"gnn": network, "map": EfficiencyMap.fit(events, EfficiencyMaps())}


@pytest.fixture(scope="module")
def deviations(toy, models):
    """Mean |predicted - true| over mean true by sample and model, of each flavour."""
    samples = {name: generate(toy, FLAVOURS, name, N_TEST) for name in ("test", "scalar")}
    return {
        sample: {
            name: relative_mad(model.evaluate(events)[:, 0], truth.efficiency[:, 0], events.flavour, len(FLAVOURS))
            for name, model in models.items()
        }
        for sample, (events, truth) in samples.items()
    }


@pytest.mark.parametrize("sample", ["test", "scalar"])
def test_the_graph_network_follows_the_truth_where_the_map_cannot(deviations, sample):
    # with this seed 1.7, 3.9 and 10.2 % against 9.9, 12.5 and 30 % on the test sample: light jets have 1200 tags
    assert (deviations[sample]["gnn"] < [0.026, 0.06, 0.16]).all()
    assert (deviations[sample]["map"] > [0.08, 0.09, 0.2]).all()


def test_the_network_is_as_good_on_a_process_that_it_never_saw(deviations):
    assert (deviations["scalar"]["gnn"] < 1.5 * deviations["test"]["gnn"]).all()
