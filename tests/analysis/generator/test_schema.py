"""What a configuration asks of generated files."""

from deepsf.config.selection import TriggerOfRuns
from deepsf.generator.schema import PLAIN, Schema, paths_of


def test_every_path_of_the_selection_and_of_samples_is_asked_for_once():
    of_runs = TriggerOfRuns(path="HLT_Mu23_Ele12", runs=(1, 2))
    selection = {"ee": ("HLT_Ele23_Ele12", "HLT_Ele30"), "emu": (of_runs, "HLT_Ele30")}
    assert paths_of(selection, None, {"mumu": ("HLT_IsoMu24", "HLT_Ele30")}) == (
        *("HLT_Ele23_Ele12", "HLT_Ele30", "HLT_Mu23_Ele12", "HLT_IsoMu24"),
    )


def test_content_of_jets_comes_with_the_version_or_on_demand():
    assert [Schema(version).has_jet_content for version in ("v9", "v12", "v15")] == [False, True, True]
    assert PLAIN._replace(jet_content=True).has_jet_content
