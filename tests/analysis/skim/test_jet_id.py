"""Jet identification: published cuts at their edges, the stored bit, files of corrections."""

import correctionlib.schemav2 as cs
import numpy as np
import pytest

from deepsf.config.jet_id import JetId
from deepsf.config.selection import Jet
from deepsf.skim.jet_id import JetIdError, identification_of, load_jet_id

FLOATS = ("eta", "chHEF", "neHEF", "chEmEF", "neEmEF", "muEF")
INTEGERS = ("chMultiplicity", "neMultiplicity", "jetId")
GOOD = {"chHEF": 0.5, "neHEF": 0.2, "chEmEF": 0.1, "neEmEF": 0.1, "muEF": 0.05}
GOOD |= {"chMultiplicity": 10, "neMultiplicity": 8, "jetId": 6}


def columns(*jets):
    """Return jets as columns in the types of the skim; what a jet does not name is that of a good one."""
    whole = [{**GOOD, **jet} for jet in jets]
    of_type = {**dict.fromkeys(FLOATS, np.float32), **dict.fromkeys(INTEGERS, np.int32)}
    return {name: np.array([jet[name] for jet in whole], dtype) for name, dtype in of_type.items()}


def passes(settings, **jet):
    """Return whether a jet passes, on either side of the detector."""
    found = load_jet_id(settings, None).passes(columns(jet, {**jet, "eta": -jet["eta"]}))
    assert found.dtype == np.bool_
    assert found[0] == found[1]
    return bool(found[0])


UL_CENTRAL = [
    ({"neHEF": 0.89}, True), ({"neHEF": 0.9}, False), ({"neEmEF": 0.89}, True), ({"neEmEF": 0.9}, False),
    ({"chMultiplicity": 1, "neMultiplicity": 1}, True), ({"chMultiplicity": 1, "neMultiplicity": 0}, False),
    ({"chMultiplicity": 0}, False), ({"chHEF": 0.001}, True), ({"chHEF": 0.0}, False),
]  # fmt: skip
UL_FORWARD = [
    ({"neMultiplicity": 3}, True), ({"neMultiplicity": 2}, False), ({"neEmEF": 0.89}, True), ({"neEmEF": 0.9}, False),
    ({"neHEF": 1.0, "chHEF": 0.0, "chMultiplicity": 0}, True),
]  # fmt: skip
CUTS = {
    # a range of |eta| by its first and last place, and what passes there
    "run3": {
        (0.0, 2.6): [
            ({"neHEF": 0.98}, True), ({"neHEF": 0.99}, False), ({"neEmEF": 0.89}, True), ({"neEmEF": 0.9}, False),
            ({"chMultiplicity": 1, "neMultiplicity": 1}, True), ({"chMultiplicity": 1, "neMultiplicity": 0}, False),
            ({"chMultiplicity": 0}, False), ({"chHEF": 0.011}, True), ({"chHEF": 0.01}, False),
        ],
        (2.601, 2.7): [
            ({"neHEF": 0.89}, True), ({"neHEF": 0.9}, False), ({"neEmEF": 0.98}, True), ({"neEmEF": 0.99}, False),
            ({"chHEF": 0.0, "chMultiplicity": 0, "neMultiplicity": 0}, True),
        ],
        (2.701, 3.0): [({"neHEF": 0.98, "neEmEF": 1.0, "neMultiplicity": 0}, True), ({"neHEF": 0.99}, False)],
        (3.001, 5.0): [
            ({"neMultiplicity": 2}, True), ({"neMultiplicity": 1}, False), ({"neEmEF": 0.39}, True),
            ({"neEmEF": 0.4}, False), ({"neHEF": 1.0}, True),
        ],
    },
    "v12": {
        (0.0, 2.7): [
            ({"jetId": 2}, True), ({"jetId": 4}, False), ({"jetId": 0}, False), ({"neHEF": 1.0, "neEmEF": 1.0}, True),
        ],
        (2.701, 3.0): [
            ({"neHEF": 0.98}, True), ({"neHEF": 0.99}, False), ({"neEmEF": 1.0}, True), ({"jetId": 4}, False),
        ],
        (3.001, 5.0): [
            ({"neEmEF": 0.39}, True), ({"neEmEF": 0.4}, False), ({"neHEF": 1.0}, True), ({"jetId": 1}, False),
        ],
    },
    "ul_2016": {
        (0.0, 2.4): UL_CENTRAL,
        (2.401, 2.7): [
            ({"neHEF": 0.97}, True), ({"neHEF": 0.98}, False), ({"neEmEF": 0.98}, True), ({"neEmEF": 0.99}, False),
            ({"chHEF": 0.0, "chMultiplicity": 0, "neMultiplicity": 0}, True),
        ],
        (2.701, 3.0): [({"neMultiplicity": 1, "neHEF": 1.0, "neEmEF": 1.0}, True), ({"neMultiplicity": 0}, False)],
        (3.001, 5.0): UL_FORWARD,
    },
    "ul_2017": {
        (0.0, 2.6): UL_CENTRAL,
        (2.601, 2.7): [
            ({"neHEF": 0.89}, True), ({"neHEF": 0.9}, False), ({"neEmEF": 0.98}, True), ({"neEmEF": 0.99}, False),
            ({"chHEF": 0.0, "chMultiplicity": 0, "neMultiplicity": 0}, True),
        ],
        (2.701, 3.0): [({"neHEF": 0.9998, "neEmEF": 1.0, "neMultiplicity": 0}, True), ({"neHEF": 0.9999}, False)],
        (3.001, 5.0): UL_FORWARD,
    },
}  # fmt: skip


@pytest.mark.parametrize("cuts", CUTS)
def test_cuts_and_their_ranges_end_where_they_are_published_to(cuts):
    settings = JetId(cuts=cuts)
    for ends, cases in CUTS[cuts].items():
        for eta in ends:
            assert passes(settings, eta=eta)
            for jet, expected in cases:
                assert passes(settings, eta=eta, **jet) is expected, (eta, jet)


@pytest.mark.parametrize(("cuts", "last"), [("run3", 2.7), ("v12", 2.7), ("ul_2016", 2.4), ("ul_2017", 2.7)])
def test_the_lepton_veto_holds_where_tracks_are(cuts, last):
    veto = JetId(cuts=cuts, lepton_veto=True)
    for lepton in ({"muEF": 0.8}, {"chEmEF": 0.8}):
        just_below = {name: value - 0.01 for name, value in lepton.items()}
        assert passes(JetId(cuts=cuts), eta=1.0, **lepton)
        assert passes(veto, eta=1.0, **just_below)
        assert not passes(veto, eta=0.0, **lepton)
        assert not passes(veto, eta=last, **lepton)
        assert passes(veto, eta=last + 0.001, **lepton)
    assert not passes(veto, eta=1.0, jetId=0, chMultiplicity=0)
    assert {"muEF", "chEmEF"} < set(load_jet_id(veto, None).content)


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("lepton_veto", [False, True])
def test_only_the_branches_that_are_named_are_needed(cuts, lepton_veto):
    identification = load_jet_id(JetId(cuts=cuts, lepton_veto=lepton_veto), None)
    whole = columns(*({"eta": eta} for eta in (0.0, 2.5, 2.65, 2.9, 4.0)))
    named = {name: whole[name] for name in ("eta", *identification.content)}
    assert len(set(identification.content)) == len(identification.content)
    assert identification.passes(named).tolist() == [True] * 5
    for name in identification.content:
        with pytest.raises(KeyError):
            identification.passes({other: column for other, column in named.items() if other != name})


def test_a_bit_of_the_stored_identification_or_none():
    jets = columns(*({"eta": 1.0, "jetId": value} for value in (0, 1, 2, 4, 6, 7)))
    assert load_jet_id(None, 2).content == ("jetId",)
    assert load_jet_id(None, 2).passes(jets).tolist() == [False, False, True, False, True, True]
    assert identification_of(Jet(jet_id_bit=4)).passes(jets).tolist() == [False, False, False, True, True, True]
    everything = identification_of(Jet(jet_id_bit=None))
    assert (everything.content, everything.passes(jets).tolist()) == ((), [True] * 6)
    # a section replaces the bit
    assert identification_of(Jet(jet_id_bit=4, id=JetId(cuts="v12"))).content == ("jetId", "neHEF", "neEmEF")


def write(path, inputs, content, name="AK4PUPPI_Tight"):
    correction = cs.Correction(
        name=name,
        version=1,
        inputs=[cs.Variable(name=n, type=kind) for n, kind in inputs.items()],
        output=cs.Variable(name="pass", type="real"),
        data=content,
    )
    tree = cs.CorrectionSet(schema_version=2, corrections=[correction])
    path.write_text(tree.model_dump_json(exclude_unset=True))
    return JetId(file=str(path), name=name)


def steps(variable, edges, content, flow="clamp"):
    return cs.Binning(nodetype="binning", input=variable, edges=edges, content=content, flow=flow)


def test_a_file_gets_its_inputs_by_name_and_in_its_types(tmp_path):
    # in an order of its own: at |eta| below 2.6 two constituents, beyond a fraction
    tree = steps(
        "eta", [-5.0, -2.6, 2.6, 5.0],
        [steps("neHEF", [0, 0.5, 1], [1.0, 0.0]), steps("multiplicity", [0, 2, 99], [0.0, 1.0]), 0.0],
    )  # fmt: skip
    settings = write(tmp_path / "id.json", {"multiplicity": "int", "neHEF": "real", "eta": "real"}, tree)
    identification = load_jet_id(settings, 2)
    assert identification.content == ("neHEF", "chMultiplicity", "neMultiplicity")
    jets = columns(
        {"eta": 0.0, "chMultiplicity": 1, "neMultiplicity": 1},
        {"eta": 0.0, "chMultiplicity": 1, "neMultiplicity": 0},
        {"eta": -3.0, "neHEF": 0.4, "chMultiplicity": 0, "neMultiplicity": 0},
        {"eta": -3.0, "neHEF": 0.6},
        {"eta": 3.0},
    )
    named = {name: jets[name] for name in ("eta", *identification.content)}
    assert identification.passes(named).tolist() == [True, False, True, False, False]
    nothing = {name: column[:0] for name, column in named.items()}
    assert identification.passes(nothing).tolist() == []


@pytest.mark.parametrize("lacks", ["file", "name", "input", "range"])
def test_a_file_that_does_not_fit_is_named_with_what_it_has(tmp_path, lacks):
    path = tmp_path / "id.json"
    inputs = {"eta": "real", **({"nConstituents": "int", "pt": "real"} if lacks == "input" else {})}
    settings = write(path, inputs, steps("eta", [-2.0, 2.0], [1.0], flow="error"))
    expected = {
        "file": f"{path}: not a readable correctionlib file (",
        "name": f"{path}: no correction 'AK4CHS'; set the name of the jet id to one of ['AK4PUPPI_Tight']",
        "input": f"{path}: 'AK4PUPPI_Tight' takes nConstituents, pt; known inputs are eta, chHEF, neHEF, chEmEF, "
        "neEmEF, muEF, chMultiplicity, neMultiplicity, multiplicity",
        "range": f"correction 'AK4PUPPI_Tight' of {path} is not defined for all jets, with eta from -1 to 4.5 (",
    }[lacks]
    if lacks == "file":
        path.write_text("{")
    if lacks == "name":
        settings = settings.model_copy(update={"name": "AK4CHS"})
    with pytest.raises(JetIdError) as error:
        load_jet_id(settings, None).passes(columns({"eta": -1.0}, {"eta": 4.5}))
    assert str(error.value).startswith(expected)
