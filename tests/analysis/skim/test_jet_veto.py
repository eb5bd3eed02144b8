"""Veto maps: events with a jet in a region that is not to be trusted, at its edges and at those of the detector."""

import correctionlib.schemav2 as cs
import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config.jet_id import JetId, JetVeto
from deepsf.config.selection import Jet
from deepsf.nanoaod.columns import Collection
from deepsf.skim.jet_veto import JetVetoError, load_jet_veto

PI = 3.1415926
"""The maps of CMS end here, short of pi, and refuse what is beyond."""


def write(path, name="Summer22", inputs=("type", "eta", "phi")):
    """Write a map that vetoes 1 <= eta < 2 with phi in the last and the first tenth, and all beyond |eta| = 5."""
    last = cs.Binning(
        nodetype="binning", input="phi", edges=[-PI, -2.8, 2.8, PI], content=[1.0, 0.0, 1.0], flow="error"
    )
    of_eta = cs.Binning(
        nodetype="binning", input="eta", edges=[-5.191, -5.0, 1.0, 2.0, 5.0, 5.191],
        content=[1.0, 0.0, last, 0.0, 1.0], flow="error",
    )  # fmt: skip
    tree = cs.Category(nodetype="category", input="type", content=[{"key": "jetvetomap", "value": of_eta}])
    content = tree if "type" in inputs else of_eta
    correction = cs.Correction(
        name=name, version=1, output=cs.Variable(name="veto", type="real"), data=content,
        inputs=[cs.Variable(name=n, type="string" if n == "type" else "real") for n in inputs],
    )  # fmt: skip
    path.write_text(cs.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json(exclude_unset=True))
    return JetVeto(file=str(path), name=name)


@pytest.fixture
def settings(tmp_path):
    return write(tmp_path / "map.json")


JET = {"pt": 40.0, "eta": 1.5, "phi": 3.0, "chEmEF": 0.1, "neEmEF": 0.1, "neHEF": 0.1, "jetId": 6}


def events(*of_event):
    """Return the jets of events; what a jet does not name is that of one in the map."""
    jets = [{**JET, **jet} for jets in of_event for jet in jets]
    columns = {name: np.array([jet[name] for jet in jets], np.float32) for name in JET if name != "jetId"}
    columns["jetId"] = np.array([jet["jetId"] for jet in jets], np.int32)
    return Collection(np.cumsum([0, *(len(jets) for jets in of_event)]), columns)


def rejected(settings, *of_event, jet=None, position=None):
    veto = load_jet_veto(settings, Jet() if jet is None else jet)
    position = np.arange(len(of_event)) if position is None else np.array(position, np.int64)
    return veto.rejects(events(*of_event), position).tolist()


@pytest.mark.parametrize(
    ("jet", "is_vetoed"),
    [
        ({}, True),
        ({"phi": 2.79}, False),
        ({"phi": 2.81}, True),
        ({"phi": -2.81}, True),
        ({"phi": np.pi}, True),  # in float32 beyond the end of the map
        ({"phi": -np.pi}, True),
        ({"phi": 3.19}, True),  # NanoAOD's rounding
        ({"eta": 0.99}, False),
        ({"eta": 1.01}, True),
        ({"eta": 1.99}, True),
        ({"eta": 2.01}, False),
        ({"eta": -1.5}, False),
        ({"eta": 5.1}, True),
        ({"eta": -5.1}, True),
        ({"eta": 5.189}, True),
        ({"eta": 5.2}, False),  # outside of the map
        ({"eta": 7.0}, False),
        ({"pt": 15.1}, True),
        ({"pt": 15.0}, False),
        ({"chEmEF": 0.4, "neEmEF": 0.49}, True),
        ({"chEmEF": 0.4, "neEmEF": 0.51}, False),
        ({"jetId": 2}, True),
        ({"jetId": 4}, False),
    ],
)
def test_a_jet_vetoes_if_it_is_good_and_in_the_map(settings, jet, is_vetoed):
    assert rejected(settings, [jet]) == [is_vetoed]


def test_any_jet_of_an_event_vetoes_it_alone(settings):
    away = {"eta": 0.0}
    assert rejected(settings, [], [away, {}, away], [away], [{}], []) == [False, True, False, True, False]
    assert rejected(settings, [{}], [away], [{}], [], position=[1, 2]) == [False, True]
    assert rejected(settings, [{}], position=[]) == []
    assert rejected(settings, [], []) == [False, False]


def test_what_vetoes_is_chosen(settings):
    def of(jet, **changes):
        return rejected(settings.model_copy(update=changes), [jet])[0]

    assert of({"pt": 20.0}, pt_min_gev=19.0)
    assert not of({"pt": 20.0}, pt_min_gev=21.0)
    assert of({"chEmEF": 1.0}, em_fraction_max=None)
    assert not of({"chEmEF": 1.0})
    own = JetId(cuts="v12")  # tight, and not the bit 4 of the selection
    assert of({"jetId": 2}, id=own) is True
    assert rejected(settings, [{"jetId": 2}], jet=Jet(jet_id_bit=4)) == [False]
    assert rejected(settings.model_copy(update={"id": own}), [{"jetId": 2}], jet=Jet(jet_id_bit=4)) == [True]


def test_only_the_branches_that_are_needed_are_named(settings):
    assert load_jet_veto(settings, Jet()).content == ("jetId", "chEmEF", "neEmEF")
    no_limit = settings.model_copy(update={"em_fraction_max": None})
    assert load_jet_veto(no_limit, Jet(jet_id_bit=None)).content == ()


@pytest.mark.parametrize("lacks", ["file", "name", "input", "type"])
def test_a_map_that_does_not_fit_is_named_with_the_way_out(tmp_path, lacks):
    path = tmp_path / "map.json"
    settings = write(path, inputs=("eta", "phi") if lacks == "input" else ("type", "eta", "phi"))
    expected = {
        "file": f"{path}: not a readable correctionlib file (",
        "name": f"{path}: no correction 'Summer23'; set jet_veto.name to one of ['Summer22']",
        "input": f"{path}: correction 'Summer22' takes eta, phi; a veto map takes type, eta and phi; set",
        "type": f"veto map 'Summer22' of {path} is not defined for type 'jetvetomap_eep' and all jets (",
    }[lacks]
    if lacks == "file":
        path.unlink()
    changes = {"name": {"name": "Summer23"}, "type": {"type": "jetvetomap_eep"}}.get(lacks, {})
    with pytest.raises(JetVetoError) as error:
        rejected(settings.model_copy(update=changes), [{}])
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize("is_data", [False, True])
def test_the_skim_drops_vetoed_events_as_a_step_of_its_cut_flow(
    skim, make_nanoaod, simulation, data, settings, is_data
):
    path, sample = make_nanoaod(4000, data=is_data), data if is_data else simulation
    whole, _, jets = skim(path, sample=sample)
    veto = settings.model_copy(update={"em_fraction_max": None})
    report, _, kept = skim(path, "vetoed", sample=sample, jet_veto=veto)
    steps = list(report.cut_flow)
    assert steps[steps.index("jet_veto") - 1 :][:3] == ["delta_r_ll", "jet_veto", "two_jets"]
    assert 0 < sum(report.cut_flow["jet_veto"].values()) < sum(whole.cut_flow["delta_r_ll"].values())
    before, after = (set(pq.read_table(table)["entry"].to_pylist()) for table in (jets, kept))
    assert after < before
    rows = pq.read_table(kept).to_pandas()
    assert not ((rows.eta >= 1) & (rows.eta < 2) & (rows.phi.abs() > 2.8)).any()
