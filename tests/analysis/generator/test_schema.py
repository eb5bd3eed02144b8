"""What a configuration asks of generated files."""

from deepsf.generator.schema import PLAIN, Schema, schema_of
from tests.analysis.generator.generated_files import TOY


def test_every_path_and_filter_of_the_configuration_is_asked_for_once():
    later = TOY.generator.model_copy(update={"nanoaod": "v12"})
    triggers = {"ee": ("HLT_Ele23_Ele12", "HLT_Ele30"), "emu": ("HLT_Mu23_Ele12", "HLT_Ele30")}
    assert schema_of(later, triggers, ["Flag_a"]) == Schema(
        "v12", ("HLT_Ele23_Ele12", "HLT_Ele30", "HLT_Mu23_Ele12"), ("Flag_a",)
    )


def test_content_of_jets_comes_with_the_version_or_on_demand():
    assert [Schema(version).has_jet_content for version in ("v9", "v12", "v15")] == [False, True, True]
    assert PLAIN._replace(jet_content=True).has_jet_content
