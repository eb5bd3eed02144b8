"""Selection: names of jet columns."""

import pytest

from deepsf.config.selection import Electron, Jet, Selection, TriggerOfRuns, WeightBranches


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


def test_shifts_of_a_further_weight_come_in_pairs():
    assert WeightBranches(nominal="Pre_Nom").up is None
    assert WeightBranches(nominal="Pre_Nom", up="Pre_Up", down="Pre_Dn").down == "Pre_Dn"
    for one in ({"up": "Pre_Up"}, {"down": "Pre_Dn"}):
        with pytest.raises(ValueError, match="up and down belong together; give both or none"):
            WeightBranches(nominal="Pre_Nom", **one)


@pytest.mark.parametrize("bit", [0, -2])
def test_no_identification_is_null_not_a_bit_that_no_jet_has(bit):
    for key in ("jet_id_bit", "pu_id_bit"):
        assert getattr(Jet(**{key: None}), key) is None
        with pytest.raises(ValueError, match=f"{key}\n.*greater than or equal to 1"):
            Jet(**{key: bit})


def test_runs_of_a_trigger_rise():
    with pytest.raises(ValueError, match="first and last run must be positive and rise, got 5 and 4"):
        TriggerOfRuns(path="HLT_A", runs=(5, 4))
