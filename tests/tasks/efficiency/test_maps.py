"""Efficiency maps: filled with the events that networks are trained on."""

from __future__ import annotations

from tasks.efficiency.maps import BuildEfficiencyMaps
from tests.tasks.conftest import names


def test_two_maps_are_filled_with_the_events_to_train_on(of):
    task = of(BuildEfficiencyMaps)
    assert names(task) == ["map.json", "map_delta_r.json"]
    assert task.requires().branch_data == "train"


def test_they_depend_on_their_binning_alone(changed):
    assert changed(BuildEfficiencyMaps, efficiency={"maps": {"pt_gev": [20, 60, 200]}}) == {"config:efficiency.maps"}
    assert changed(BuildEfficiencyMaps, efficiency={"ensemble": {"seed": 9}}) == set()
