"""Selection: names of jet columns."""

import pytest

from deepsf.config.selection import Electron, Selection


@pytest.mark.parametrize("name", ["discriminant", "phi", "weight"])
def test_jet_columns_leave_the_names_of_the_tables_alone(tree, message, name):
    tree["selection"]["jet_columns"] = {name: "btagDeepFlavCvL"}
    assert f"selection.jet_columns.{name}: this name is taken by a standard column" in message(tree)


def test_defaults_are_those_of_the_measurement_of_cms():
    selection = Selection(triggers={"ee": ("HLT_A",)}, event_filters=())
    assert (selection.lead_lepton_pt_min_gev, selection.mll_min_gev, selection.jet.pt_min_gev) == (25.0, 12.0, 20.0)
    assert selection.electron == Electron(crack_abseta=(1.4442, 1.5660), cut_based_min=4)
    with pytest.raises(ValueError, match=r"triggers\.em"):
        Selection(triggers={"em": ("HLT_A",)}, event_filters=())
