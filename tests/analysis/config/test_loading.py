"""Loading a campaign: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepsf.config import Config, ConfigError, EfficiencyConfig, load

CONFIGS = Path(__file__).parents[3] / "configs"


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
