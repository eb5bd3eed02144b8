"""Loading a campaign: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deepsf.config import Config, ConfigError, EfficiencyConfig, load

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def tree():
    return yaml.safe_load((CONFIGS / "toy.yaml").read_text())


@pytest.fixture
def message(tmp_path):
    def of(tree) -> str:
        path = tmp_path / "bad.yaml"
        path.write_text(yaml.safe_dump(tree))
        with pytest.raises(ConfigError) as error:
            load(path)
        return str(error.value)

    return of


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_load(path):
    of_toy = path.stem.startswith("efficiency_") and "efficiency_nanoaod" not in path.stem
    assert isinstance(load(path), EfficiencyConfig if of_toy else Config)


def test_all_problems_are_reported_at_once_with_key_and_value(tree, message):
    tree["regions"]["hf"]["enriched_flavor"] = "b"
    tree["binned"]["bins"]["b"]["pt_gev"] = [20, 30, 50, 30]
    tree["training"] = {"learning_rate": -1}
    text = message(tree)
    assert text.startswith("bad.yaml: 3 problem(s)")
    assert "regions.hf.enriched_flavor: unknown key; did you mean 'enriched_flavour'?" in text
    assert "binned.bins.b.pt_gev: bin edges must increase, but 30 follows 50" in text
    assert "training.learning_rate: Input should be greater than 0 (got -1)" in text


def test_problems_between_sections_are_separate_lines(tree, message):
    tree["regions"]["hf"]["tag_above"] = "X"
    tree["flavours"]["b"]["hadron_flavours"] = [5, 4]
    text = message(tree)
    assert text.startswith("bad.yaml: 2 problem(s)")
    assert "regions.hf.tag_above: 'X' is not one of the working points ['L', 'M', 'T']" in text
    assert "flavours.c: hadron flavour 4 already belongs to b" in text


def test_regions_too_alike_to_be_measured_are_refused(tree, message):
    tree["generator"] |= {"purity_hf": 0.6, "purity_lf": 0.55}
    assert "purity_hf + purity_lf = 1.15 is below 1.2" in message(tree)


def test_a_key_set_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("campaign: {era: a}\ntagger: {}\ncampaign: {era: b}\n")
    with pytest.raises(ConfigError, match=r"twice\.yaml, line 3: key 'campaign' was already set on line 1"):
        load(path)


def test_extends_merges_mappings_and_replaces_everything_else(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {CONFIGS / 'toy.yaml'}\nregions: {{hf: {{channels: [emu]}}}}\n")
    config = load(path)
    assert config.regions["hf"].channels == ("emu",)
    assert config.regions["hf"].tag_above == "M"


def test_a_file_that_extends_itself_is_refused(tmp_path):
    path = tmp_path / "loop.yaml"
    path.write_text("extends: loop.yaml\n")
    with pytest.raises(ConfigError, match="extends itself"):
        load(path)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_an_input_that_no_column_provides_is_refused(tree, message):
    tree["training"] = {"inputs": {"pt": {"transform": "log"}, "n_constituents": {}}}
    assert "training.inputs.n_constituents: not one of ['pt', 'abseta', 'discriminant']" in message(tree)


def test_a_measured_flavour_needs_exactly_one_region(tree, message):
    tree["flavours"]["c"]["scale_factor"] = "measured"
    text = message(tree)
    assert "flavour c is measured and needs exactly one region that enriches it" in text
    assert "no binning for the measured flavour c" in text


def test_jet_corrections_are_for_samples_that_there_are_and_do_something(tree, message):
    tree["jet_corrections"]["jec"]["samples"] = {"run_b": ["Toy_V1_DATA_L1L2L3Res_AK4PFchs"]}
    assert "jet_corrections.jec.samples.run_b: not one of the samples ['data', 'ttbar', 'zjets']" in message(tree)
    tree["jet_corrections"] = {"file": "x.json"}
    assert "jet_corrections: give at least one of jec, jer and jes_sources" in message(tree)


def test_eras_need_data_simulation_and_a_luminosity_that_adds_up(tree, message):
    def simulated(era, **luminosity):
        return {"kind": "simulation", "files": ["x"], "cross_section_pb": 1.0, "era": era, **luminosity}

    del tree["generator"]
    tree["samples"] = {
        "mc_a": simulated("a", luminosity_ifb=4.0),
        "mc_b": simulated("b", luminosity_ifb=5.0),
        "data_a": {"kind": "data", "files": ["x"], "era": "a"},
        "data_b": {"kind": "data", "files": ["x"], "era": "b"},
    }
    assert "luminosity_ifb = 10 is not the sum of the eras', 9" in message(tree)
    tree["samples"]["data_b"].pop("era")
    text = message(tree)
    assert "samples.data_b: give it an era as the others" in text
    assert "era b has none of kind data" in text
    tree["samples"]["mc_a"].pop("luminosity_ifb")
    assert "luminosity_ifb is given for the simulation of an era, and for nothing else" in message(tree)
    tree["samples"]["mc_a"] = {"kind": "simulation", "generate": ["ttbar"], "cross_section_pb": 1.0, "era": "a"}
    assert "generated samples belong to no era" in message(tree)


@pytest.mark.parametrize("name", ["discriminant", "phi", "weight"])
def test_jet_columns_leave_the_names_of_the_tables_alone(tree, message, name):
    tree["selection"]["jet_columns"] = {name: "btagDeepFlavCvL"}
    assert f"selection.jet_columns.{name}: this name is taken by a standard column" in message(tree)


def test_tag_columns_are_jet_columns_and_cut(tree, message):
    tree["regions"]["lf"]["tag_columns"] = {"charm": {"below": 0.8}}
    assert "regions.lf.tag_columns.charm: not one of selection.jet_columns []" in message(tree)
    tree["regions"]["lf"]["tag_columns"] = {"charm": {}}
    assert "regions.lf.tag_columns.charm: give above, below or both" in message(tree)
