"""Files for analyses: which there are, and what they need."""

from __future__ import annotations

import pytest

from tasks.exports import ExportScaleFactors
from tests.tasks.conftest import names

FILES = {
    "btv_csv": "deepJet_shape.csv.gz",
    "deepsf": "deepJet_deepsf.json.gz",
    "direct": "deepJet_direct.json.gz",
    "networks": "deepJet_deepsf_networks.json.gz",
    "normalisation_maps": "normalisation_maps.json",
    "onnx": "deepJet_deepsf.onnx",
    "safe": "deepJet_shape_safe.json.gz",
    "strict": "deepJet_shape.json.gz",
}


def test_files_bear_the_name_of_the_tagger(task_of):
    assert names(task_of(ExportScaleFactors)) == sorted(FILES.values())


def test_only_tables_of_networks_need_ensembles_and_errors(task_of):
    needed = {"skims", "binned", "deepsf", "direct", "errors", "inclusive"}
    assert task_of(ExportScaleFactors).requires().keys() == needed
    alone = task_of(ExportScaleFactors, exports={"forms": ["direct"]})
    assert alone.requires().keys() == needed - {"deepsf"}
    for form in ("networks", "onnx"):
        task = task_of(ExportScaleFactors, exports={"forms": [form]})
        assert task.requires().keys() == needed - {"direct"}
        assert names(task) == sorted([FILES[form], FILES["normalisation_maps"]])
    task = task_of(ExportScaleFactors, exports={"forms": ["strict"]})
    assert task.requires().keys() == {"skims", "binned", "inclusive"}
    assert names(task) == sorted([FILES["strict"], FILES["normalisation_maps"]])


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        ({"exports": {"description": "other"}}, {"config:exports"}),
        ({"campaign": {"era": "2030"}}, {"config:campaign.era"}),
        ({"plots": {"label": "other"}}, set()),
        ({"binned": {"n_bootstrap": 9}}, set()),
    ],
)
def test_they_depend_on_how_they_are_written(changed, edit, keys):
    assert changed(ExportScaleFactors, **edit) == keys


def test_without_the_section_direct_there_is_no_table_of_it(task_of):
    task = task_of(ExportScaleFactors, direct=None)
    assert names(task) == sorted(set(FILES.values()) - {FILES["direct"]})
    assert "direct" not in task.requires()
