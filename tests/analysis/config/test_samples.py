"""Samples: from files or generated, with all that their kind and era need."""

import pytest

from deepsf.config.campaign import Campaign
from deepsf.config.samples import Sample, certification_problems, earlier_triggers, pileup_id_problems
from deepsf.config.selection import Jet, TriggerOfRuns


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


def test_a_departure_of_a_process_that_no_data_have_is_refused(tree, message):
    tree["generator"]["mismodelling"] = {"departures": {"zcc": {"b": {"rate": 0.2}}}}
    assert (
        "generator.mismodelling.departures.zcc: no data sample generates it, they have ttbar, zjets; take it away, or "
        "add zcc to generate of a data sample"
    ) in message(tree)


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


def test_what_says_whether_data_are_certified():
    campaign = Campaign(era="2017_UL", energy_tev=13.0, luminosity_ifb=41.5)
    golden, in_words = (campaign.model_copy(update={"certified": path}) for path in ("golden.json", None))
    plain, own, none = data(), data(certified="own.json"), data(certified=None)
    generated = Sample(kind="data", generate=("ttbar",))
    samples = {"doubleeg": plain, "muoneg": own, "toy": generated, "doublemuon": none}
    assert list(certification_problems(samples | {"singlemuon": plain}, campaign)) == [
        "campaign.certified: data samples doubleeg, singlemuon need the JSON of certified luminosity blocks; name it, "
        "or write certified: null if the files hold certified blocks alone"
    ]
    assert list(certification_problems(samples, in_words)) == []
    assert list(certification_problems({"muoneg": own, "toy": generated, "doublemuon": none}, campaign)) == []
    assert list(certification_problems(samples, golden)) == [
        "samples.doublemuon.certified: null cannot undo campaign.certified; give each data sample that needs it its "
        "own JSON, and the campaign none"
    ]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ({"kind": "data", "sum_weights": 5.0}, "sum_weights is not for data; leave it out"),
        ({"kind": "data", "generator_weight": "sign"}, "generator_weight is not for data"),
        ({"kind": "data", "missing_shifts": ["psisr"]}, "missing_shifts is not for data"),
        ({"kind": "simulation", "certified": "golden.json"}, "certified is not for simulation"),
        ({"kind": "simulation", "runs": [[1, 2]], "certified": "a"}, "certified and runs are not for simulation"),
        (
            {"kind": "simulation", "generator_weight": "sign"},
            "sign needs the sum of signs, but Runs holds the sum of val",
        ),
        ({"kind": "simulation", "sum_weights": 0.0}, "sum_weights"),
        ({"kind": "simulation", "sum_weights": -964.0}, "sum_weights"),
        ({"kind": "simulation", "sum_weights": float("nan")}, "sum_weights"),
        ({"kind": "simulation", "sum_weights": "964"}, "sum_weights"),
    ],
)
def test_keys_belong_to_a_kind_and_sums_are_positive(sample, reason):
    cross_section = {"cross_section_pb": 1.0} if sample["kind"] == "simulation" else {}
    with pytest.raises(ValueError, match=reason):
        Sample(files=("x",), **sample, **cross_section)


def test_sums_of_weights_may_be_numbers():
    given = {"kind": "simulation", "files": ("x",), "cross_section_pb": 1.0}
    assert Sample(**given, sum_weights=964).sum_weights == 964.0
    assert Sample(**given, sum_weights=964, generator_weight="sign").generator_weight == "sign"


@pytest.mark.parametrize(
    ("change", "is_asked"),
    [
        ({"era": "2016postVFP"}, True),
        ({"runs": ((278_769, 284_044),)}, True),
        ({"era": "2017_UL", "runs": ((297_046, 306_462),)}, False),
        ({"runs": ((284_045, 284_100),)}, False),
        ({"runs": ((1, 271_036),)}, True),
    ],
)
def test_in_2016_the_bit_of_the_pileup_id_is_asked_for(selection, change, is_asked):
    campaign = Campaign(era="x", energy_tev=13.0, luminosity_ifb=1.0).model_copy(update=change)
    problems = list(pileup_id_problems({"data": data()}, campaign, selection))
    text = (
        "selection.jet.pu_id_bit: in 2016 the bits of Jet_puId are swapped, 1 is loose and the default 4 is tight; "
        "write the bit that you want, or null for no pile-up id"
    )
    assert problems == ([text] if is_asked else [])
    for bit in (1, 4, None):
        written = selection.model_copy(update={"jet": Jet(pu_id_bit=bit)})
        assert list(pileup_id_problems({"data": data()}, campaign, written)) == []
    of_2016 = {"data": data(runs=((278_769, 284_044),)), "simulation": data(era="2016preVFP")}
    for name, sample in of_2016.items():
        assert list(pileup_id_problems({name: sample}, campaign, selection)) == [text]
