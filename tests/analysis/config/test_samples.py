"""Samples: from files or generated, with all that their kind and era need."""

import pytest

from deepsf.config.samples import Sample, earlier_triggers
from deepsf.config.selection import TriggerOfRuns


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


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ({"kind": "data"}, "give either files or generate"),
        ({"kind": "data", "files": ["x"], "generate": ["ttbar"]}, "give either files or generate"),
        ({"kind": "simulation", "files": ["x"]}, "a simulated sample needs cross_section_pb"),
        (
            {"kind": "simulation", "generate": ["ttbar", "zjets"], "cross_section_pb": 1.0},
            "a simulated sample is generated from one process",
        ),
    ],
)
def test_a_sample_has_one_origin_and_simulation_a_cross_section(sample, reason):
    with pytest.raises(ValueError, match=reason):
        Sample(**sample)


def test_generated_samples_need_the_generator_and_one_simulation_of_each_process(tree, message):
    tree["samples"]["data"]["generate"] = ["ttbar", "zjets", "zcc"]
    assert "samples: process zcc needs exactly one generated simulation sample" in message(tree)
    del tree["generator"]
    text = message(tree)
    assert "samples ['data', 'ttbar', 'zjets'] are to be generated, but there is no generator section" in text
    tree["samples"] = {name: {**tree["samples"][name]} for name in ("ttbar", "zjets")}
    assert "samples: none of kind data" in message(tree)


def data(**given):
    return Sample(kind="data", files=("x",), **given)


def test_paths_of_earlier_data_sets_hold_in_their_runs_and_channels(selection):
    limited = TriggerOfRuns(path="HLT_Late", runs=(50, 250))
    before = [
        data(channels=("mumu",), runs=((1, 100), (200, 300))),
        data(triggers={"mumu": ("HLT_IsoMu",), "emu": (limited,)}, channels=("emu",), runs=((90, 120), (300, 400))),
        data(triggers={"ee": ("HLT_Ele", limited)}),
    ]
    assert earlier_triggers(before, selection) == {
        "mumu": (
            TriggerOfRuns(path="HLT_DoubleMu", runs=(1, 100)),
            TriggerOfRuns(path="HLT_DoubleMu", runs=(200, 300)),
        ),
        "emu": (TriggerOfRuns(path="HLT_Late", runs=(90, 120)),),
        "ee": ("HLT_Ele", limited),
    }
    assert earlier_triggers([], selection) == {}
