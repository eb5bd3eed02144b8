"""Sections and field types that several sections share."""

import pytest
from pydantic import ValidationError

from deepsf.config.base import Count, Edges, OpenFraction, Section, Seed
from deepsf.config.jet_corrections import JetCorrections


class Example(Section):
    edges: Edges = (0.0, 1.0)
    fraction: OpenFraction = 0.5
    number: Count = 1
    seed: Seed = 1


def test_sections_are_frozen_and_refuse_unknown_keys():
    with pytest.raises(ValidationError, match="frozen"):
        Example().number = 2
    with pytest.raises(ValidationError, match="extra"):
        Example(numbr=2)


@pytest.mark.parametrize(
    "change",
    [
        {"edges": [0.0]},
        {"edges": [0.0, 0.0]},
        {"edges": [0.0, float("inf")]},
        {"fraction": 0.0},
        {"fraction": 1.0},
        {"fraction": float("nan")},
        {"number": 0},
        {"seed": -1},
        {"seed": 2**63},
    ],
)
def test_values_out_of_range_are_refused(change):
    with pytest.raises(ValidationError):
        Example(**change)


def test_edges_that_fall_are_named():
    with pytest.raises(ValidationError, match="bin edges must increase, but 2 follows 3"):
        Example(edges=[1, 3, 2])


def test_files_are_found_and_replaced_in_sections_of_sections():
    jer = {"resolution": "r", "scale_factor": "s", "smearing": {"file": "smear.json"}}
    section = JetCorrections(file="jerc.json", jer=jer)
    assert section.file_paths() == ("jerc.json", "smear.json")
    placed = section.with_files(lambda path: f"/there/{path}")
    assert placed.file_paths() == ("/there/jerc.json", "/there/smear.json")
    assert placed.with_files(lambda path: path.removeprefix("/there/")) == section
    assert JetCorrections(file="jerc.json", jer={**jer, "smearing": None}).file_paths() == ("jerc.json",)
