"""The section `exports` of a configuration: defaults follow from the tagger, mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepsf.config import ConfigError, load

TOY = Path(__file__).parents[3] / "configs" / "toy.yaml"


def config(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {TOY}\n{text}")
    return load(path)


def test_another_tagger_is_another_set_of_names(tmp_path):
    loaded = config(tmp_path, "tagger: {name: particleNet, branch: btagPNetB}\n")
    assert loaded.exports.files(loaded.tagger.name) == {
        "strict": "particleNet_shape.json.gz",
        "safe": "particleNet_shape_safe.json.gz",
        "csv": "particleNet_shape.csv.gz",
        "deepsf": "particleNet_deepsf.json.gz",
        "direct": "particleNet_direct.json.gz",
        "networks": "particleNet_deepsf_networks.json.gz",
        "onnx": "particleNet_deepsf.onnx",
        "maps": "normalisation_maps.json",
    }


def test_name_and_forms_are_free(tmp_path):
    loaded = config(tmp_path, "exports: {name: mine, forms: [csv]}\n")
    assert loaded.exports.files("deepJet") == {"csv": "mine.csv.gz", "maps": "normalisation_maps.json"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "{forms: [json]}",
            "exports.forms.0: Input should be 'strict', 'safe', 'csv', 'deepsf', 'direct', 'networks' or 'onnx' (got",
        ),
        (
            "{name: deepJet_deepsf}",
            "exports.name: 'deepJet_deepsf' gives the forms strict and deepsf one file, deepJet_deepsf.json.gz; choose",
        ),
        (
            "{name: deepJet_direct, forms: [csv, safe, strict, direct]}",
            "exports.name: 'deepJet_direct' gives the forms strict and direct one file, deepJet_direct.json.gz; choose",
        ),
        (
            "{name: deepJet_deepsf_networks}",
            "exports.name: 'deepJet_deepsf_networks' gives the forms strict and networks one file, ",
        ),
        ("{student: {largest_error: 0}}", "exports.student.largest_error: Input should be greater than 0"),
        ("{form: [csv]}", "exports.form: unknown key; did you mean 'forms'?"),
        (
            "{normalisation: {ht_gev: [100, 50]}}",
            "exports.normalisation.ht_gev: bin edges must increase, but 50 follows",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, section, message):
    with pytest.raises(ConfigError) as error:
        config(tmp_path, f"exports: {section}\n")
    assert message in str(error.value)
