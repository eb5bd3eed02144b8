"""Jet identification and veto maps: one way to identify, and files that are found among the paths."""

import pytest

from deepsf.config.jet_id import JetId, JetVeto


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "give either file and name, or cuts"),
        ({"file": "a.json", "name": "Tight", "cuts": "run3"}, "give either file and name, or cuts"),
        ({"file": "a.json"}, "file and name belong together; give both"),
        ({"name": "Tight", "cuts": "run3"}, "file and name belong together; give both"),
        (
            {"file": "a.json", "name": "Tight", "lepton_veto": True},
            "lepton_veto belongs to cuts; with a file, name the",
        ),
        ({"cuts": "run2"}, "'run3', 'v12', 'ul_2016' or 'ul_2017'"),
    ],
)
def test_jets_are_identified_in_one_way(given, reason):
    with pytest.raises(ValueError, match=reason):
        JetId(**given)


def test_files_of_identification_and_veto_are_paths_of_the_section():
    veto = JetVeto(file="map.json", name="Summer22", id=JetId(file="id.json", name="Tight"))
    assert veto.file_paths() == ("map.json", "id.json")
    moved = veto.with_files(lambda path: f"/jobs/{path}")
    assert (moved.file, moved.id.file, moved.name) == ("/jobs/map.json", "/jobs/id.json", "Summer22")
