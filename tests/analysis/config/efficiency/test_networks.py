"""The registry of networks: what is built from it, and that reading it takes nothing that is slow to import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from matplotlib.colors import is_color_like
from matplotlib.markers import MarkerStyle
from pydantic import BaseModel, TypeAdapter, ValidationError

from deepsf.config.efficiency.networks import (
    NETWORKS,
    EfficiencyEnsemble,
    EfficiencyModels,
    Gnn,
    NetworkName,
    NetworkTraining,
    PublishedGnn,
)
from deepsf.efficiency.networks.module import EfficiencyModule
from deepsf.efficiency.networks.network import network_class


def test_every_network_has_a_section_with_its_settings():
    fields = {name: field.annotation for name, field in EfficiencyModels.model_fields.items()}
    assert fields == {name: network.settings for name, network in NETWORKS.items()}
    assert EfficiencyModels().gnn == Gnn()
    assert EfficiencyModels(gnn={"units": 8}).gnn == Gnn(units=8)
    with pytest.raises(ValidationError, match="transformer"):
        EfficiencyModels(transformer={})


def test_only_networks_of_the_registry_may_be_chosen():
    assert [TypeAdapter(NetworkName).validate_python(name) for name in NETWORKS] == list(NETWORKS)
    with pytest.raises(
        ValidationError, match="Input should be 'closest_jet', 'pairwise', 'gnn', 'gnn_eta_phi' or 'gnn_2004_02665'"
    ):
        EfficiencyEnsemble(model="invariant")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_line_of_the_registry_names_a_network_its_settings_and_its_look(name):
    network = NETWORKS[name]
    assert issubclass(network_class(name), EfficiencyModule)
    assert issubclass(network.settings, NetworkTraining)
    assert is_color_like(network.colour)
    MarkerStyle(network.marker)


def test_no_two_networks_look_the_same():
    for look in ("label", "colour", "marker"):
        assert len({getattr(network, look) for network in NETWORKS.values()}) == len(NETWORKS)


def test_reading_the_registry_loads_no_network():
    code = "import sys; from deepsf.config.efficiency.networks import NETWORKS; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "deepsf.config.efficiency.networks" in loaded
    assert not {"torch", "onnx", "torch_geometric", "matplotlib", "deepsf.efficiency.networks"} & set(loaded)


def test_sections_are_models_that_dump_to_json_and_back():
    models = EfficiencyModels(pairwise={"units": 4})
    assert isinstance(models, BaseModel)
    assert EfficiencyModels.model_validate_json(models.model_dump_json()) == models


def test_inherited_settings_keep_their_description():
    assert Gnn.model_fields["learning_rate"].description == "highest learning rate"
    assert Gnn().learning_rate == 4e-3


@pytest.mark.parametrize(("settings", "change"), [(PublishedGnn, {"units": 255}), (Gnn, {"batch_events": 7})])
def test_sizes_that_cannot_be_built_are_refused(settings, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        settings(**change)


def test_weights_of_untagged_jets_are_of_known_flavours(message):
    text = message("efficiency_toy", models={"gnn": {"untagged_weight": {"s": 0.1}}})
    assert "efficiency.models.gnn.untagged_weight.s: not one of the flavours ['b', 'c', 'udsg']" in text
