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


def test_extends_merges_mappings_and_replaces_everything_else(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {CONFIGS / 'toy.yaml'}\nregions: {{hf: {{channels: [emu]}}}}\n")
    config = load(path)
    assert config.regions["hf"].channels == ("emu",)
    assert config.regions["hf"].tag_above == "M"


@pytest.fixture
def files(tmp_path):
    """Return a function that writes files by name and loads the first, with the shipped toy at hand."""

    def load_first(**texts: str):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text.replace("TOY", str(CONFIGS / "toy.yaml")))
        return load(tmp_path / f"{next(iter(texts))}.yaml")

    return load_first


@pytest.fixture
def refused(files):
    def of(**texts: str) -> str:
        with pytest.raises(ConfigError) as error:
            files(**texts)
        return str(error.value)

    return of


def test_a_file_that_extends_itself_is_refused_however_its_path_is_spelled(refused, tmp_path):
    (tmp_path / "sub").mkdir()
    assert "loop.yaml: extends itself by way of loop.yaml" in refused(loop="extends: sub/../loop.yaml\n")


def test_one_problem_has_one_line_with_file_line_key_rule_and_value(refused):
    assert refused(mine="extends: TOY\ntraining:\n  learning_rate: -1\n") == (
        "mine.yaml, line 3: training.learning_rate: Input should be greater than 0 (got -1)"
    )


def test_problems_of_an_extended_file_name_it_and_its_line(refused):
    base = "extends: TOY\nensemble: {n_members: 1}\n"
    assert refused(mine="extends: base.yaml\n", base=base) == (
        "mine.yaml, base.yaml line 2: ensemble.n_members: Input should be greater than or equal to 2 (got 1)"
    )


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("a: 010\n", "base.yaml, line 1: 010 is octal in YAML 1.1, decimal in 1.2; leave the leading zero out, or"),
        ("extends: /dev/zero\n", "/dev/zero: is no regular file; name a YAML file (extended by base.yaml, line 1)"),
        ("extends: [TOY]\n", "base.yaml, line 1: extends must be the path of one file, got ["),
    ],
)
def test_files_that_cannot_be_read_say_who_extends_them(refused, base, message):
    text = refused(mine="# a comment\nextends: base.yaml\n", base=base)
    assert message in text
    assert text.endswith("(extended by mine.yaml, line 2)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("campaign: {luminosity_ifb: on}", "campaign.luminosity_ifb: Input should be a valid number (got 'on')"),
        ("campaign: {luminosity_ifb: true}", "campaign.luminosity_ifb: Input should be a valid number (got True)"),
        ("training: {seed: yes}", "training.seed: unknown key"),
        ("ensemble: {seed: true}", "ensemble.seed: Input should be a valid integer (got True)"),
        ("ensemble: {n_members: '25'}", "ensemble.n_members: Input should be a valid integer (got '25')"),
        ("ensemble: {n_members: 2.5}", "ensemble.n_members: Input should be a valid integer (got 2.5)"),
        ("event_weight: {kappa: yes}", "event_weight.kappa: must be true or false (got 'yes')"),
        ("event_weight: {kappa: 1}", "event_weight.kappa: must be true or false (got 1)"),
        ("regions: {hf: {tag_above: true}}", "regions.hf.tag_above.float: Input should be a valid number (got True)"),
        ("binned: {bins: {b: {abseta: [0, on]}}}", "binned.bins.b.abseta.1: Input should be a valid number (got 'on')"),
        ("campaign: {luminosity_ifb: .inf}", "campaign.luminosity_ifb: Input should be a finite number (got inf)"),
        ("plots: {label: 2017}", "plots.label: Input should be a valid string (got 2017)"),
    ],
)
def test_no_type_is_taken_for_another(refused, text, message):
    assert message in refused(mine=f"extends: TOY\n{text}\n")


def test_a_long_value_is_shown_in_short_and_many_problems_are_counted(refused):
    text = refused(mine=f"extends: TOY\nplots: {{dpi: [{'x,' * 5000}]}}\n")
    assert text.endswith("plots.dpi: Input should be a valid integer (got ['x', 'x', 'x', 'x', 'x', 'x', ...])")
    lines = refused(mine="extends: TOY\n" + "".join(f"key{n}: 1\n" for n in range(1000))).splitlines()
    assert len(lines) == 32
    assert lines[-1] == "  ... and 970 more"


# --- null


def test_null_takes_entries_of_free_names_away_and_leaves_optional_values_null(files):
    config = files(
        mine="extends: base.yaml\n"
        "samples: {zcc: null}\n"
        "jet_corrections: {jes_sources: {Absolute: null}}\n"
        "selection: {jet_columns: {qgl: null}, electron: {crack_abseta: null}}\n"
        "plots: {regions: {hf: null}}\n"
        "pileup: null\n",
        base="extends: TOY\n"
        "samples: {zcc: {kind: data, files: [x.root]}}\n"
        "selection: {jet_columns: {qgl: qgl}}\n"
        "plots: {regions: {hf: HF}}\n",
    )
    assert list(config.samples) == ["ttbar", "zjets", "data"]
    assert list(config.jet_corrections.jes_sources) == ["RelativeBal", "FlavorQCD"]
    assert config.selection.jet_columns == {}
    assert "hf" not in config.plots.regions
    assert config.pileup is None
    assert config.selection.electron.crack_abseta is None


def test_an_entry_may_come_back_after_null(files):
    plots = "plots: {{regions: {{hf: {}}}}}\n".format
    config = files(
        mine="extends: two.yaml\n" + plots("third"),
        two="extends: one.yaml\n" + plots("null"),
        one="extends: TOY\n" + plots("first"),
    )
    assert config.plots.regions["hf"] == "third"


def test_null_that_takes_nothing_away_is_an_error(refused):
    rule = "null takes away an entry of an extended file, and there is none; leave the key out or give a value"
    text = refused(mine="extends: TOY\nsamples:\n  ttbr: null\n")
    assert text == f"mine.yaml, line 3: samples.ttbr: {rule} (got None)"
    assert "ensemble: Input should be a valid dictionary" in refused(mine="extends: TOY\nensemble: null\n")


def test_what_still_needs_an_entry_that_null_took_away_is_named(refused):
    text = refused(mine="extends: TOY\nregions: {hf: null}\n")
    assert "regions: flavour b is measured and needs exactly one region that enriches it" in text


# --- names are parts of paths

NAMED = {
    "samples": "samples: {X: {kind: data, files: [x.root]}}",
    "regions": "regions: {X: {enriched_flavour: b, channels: [ee], tag_above: M}}",
    "flavours": "flavours: {X: {hadron_flavours: [1]}}",
    "tagger.name": "tagger: {name: X}",
    "tagger.working_points": "tagger: {working_points: {X: 0.9}}",
    "exports.name": "exports: {name: X}",
    "selection.jet_columns": "selection: {jet_columns: {X: qgl}}",
    "shifts.contamination": "shifts: {contamination: {X: {region: hf}}}",
    "jet_corrections.jes_sources": "jet_corrections: {jes_sources: {X: Y}}",
}


@pytest.mark.parametrize("key", NAMED)
@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "..", ".x", "-x", "a b", "x$(y)", "x;y", "é", "x" * 101])
def test_names_that_are_parts_of_paths_are_names(refused, key, name):
    text = refused(mine=f"extends: TOY\n{NAMED[key].replace('X', chr(34) + name + chr(34))}\n")
    assert "a name has at most 100 letters, digits, _ . and -" in text or "String should match pattern" in text
    assert text.startswith(f"mine.yaml, line 2: {key}")


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("toy", "working_points: {../M: {}}"),
        ("ratio", "regions: {../x: {b: 1.0, c: 0, udsg: 0}}"),
        ("experiments", "working_points: {L: {}, ../T: {b: 0.5}}"),
    ],
)
def test_names_of_efficiencies_are_names_too(refused, place, names):
    toy = CONFIGS / "efficiency_toy.yaml"
    text = refused(mine=f"extends: {toy}\nefficiency: {{{place}: {{{names}}}}}\n")
    assert "a name has at most 100 letters, digits, _ . and -" in text
