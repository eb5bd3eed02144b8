"""Generated files: content fixed by the seed, sums of weights, numbers of events, and failures."""

import re
import resource

import numpy as np
import pytest
import uproot

from deepsf.config.mismodelling import Mismodelling
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.luminosity_blocks import Blocks
from deepsf.generator.plan import GeneratedFile, NotEnoughDiskError
from deepsf.generator.schema import Schema
from tests.analysis.generator.generated_files import TOY, TRUE_SF, same, written


@pytest.mark.parametrize(("kind", "process"), [("simulation", "zjets"), ("data", "ttbar")])
def test_a_file_made_twice_has_the_same_content(tmp_path, kind, process):
    first, second = (written(tmp_path / f"{k}.root", "s", kind, process, n_events=2000)[0] for k in "ab")
    assert list(first) == list(second)
    assert all(same(first, second, name) for name in first)


def test_other_seed_sample_index_or_kind_give_other_events(tmp_path, ttbar):
    pt = ttbar[0]["MET_pt"]
    for k, change in enumerate([{"seed": 2}, {"sample": "other"}, {"index": 1}, {"kind": "data"}]):
        arguments = {"sample": "ttbar", "kind": "simulation", "process": "ttbar"} | change
        other = written(tmp_path / f"{k}.root", **arguments, n_events=1000)[0]["MET_pt"]
        assert len(np.intersect1d(pt[:300], other[:300])) < 60, change  # a few values of 10 bits agree by chance


def test_other_options_of_pseudo_data_leave_simulation_alone(tmp_path, ttbar):
    other = written(
        tmp_path / "a.root", "ttbar", "simulation", "ttbar", pt_tilt=0.3, rate_offsets={}, simulation_over_data=5.0
    )
    assert all(same(ttbar[0], other[0], name) for name in ttbar[0])


def test_another_true_scale_factor_changes_the_discriminants_alone(tmp_path, data):
    shifted = TOY.generator.true_sf.model_copy(update={"systematic": "up_hf"})
    file = GeneratedFile("data", "data", "ttbar", 0, 3000)
    write_file(file, Composition(), TOY.generator.model_copy(update={"true_sf": shifted}), TRUE_SF, tmp_path / "b.root")
    other = uproot.open(tmp_path / "b.root")["Events"].arrays(library="np")
    assert {name for name in other if not same(other, data[0], name)} == {"Jet_btagDeepFlavB", "Jet_btagDeepB"}


def test_mismodelling_of_scores_changes_the_discriminants_of_its_process_alone(tmp_path, data):
    slope = Mismodelling(departures={"ttbar": {"udsg": {"score_slope": 0.5}}})
    correlated = Mismodelling(tag_probe_correlation=0.2)
    for name, changes in (
        ("slope", {"mismodelling": slope}),
        ("correlated", {"mismodelling": correlated}),
        ("taggers", {"tagger_correlation": 0.8}),
    ):
        other = written(tmp_path / f"{name}.root", "data", "data", "ttbar", **changes)[0]
        assert {n for n in other if not same(other, data[0], n)} == {"Jet_btagDeepFlavB", "Jet_btagDeepB"}, name
    of_zjets = [
        written(tmp_path / f"{k}.root", "data", "data", "zjets", mismodelling=wrong)[0]
        for k, wrong in enumerate((Mismodelling(), slope))
    ]
    assert all(same(*of_zjets, name) for name in of_zjets[0])


def test_simulation_knows_correlated_taggers_and_no_mismodelling(tmp_path, ttbar):
    departure = {"rate": 0.5, "pt_slope": 0.2, "score_slope": 0.5}
    wrong = Mismodelling(tag_probe_correlation=0.2, departures={"ttbar": {"udsg": departure}})
    other = written(tmp_path / "a.root", "ttbar", "simulation", "ttbar", mismodelling=wrong)[0]
    assert all(same(ttbar[0], other, name) for name in ttbar[0])
    other = written(tmp_path / "b.root", "ttbar", "simulation", "ttbar", tagger_correlation=0.8)[0]
    assert {n for n in other if not same(other, ttbar[0], n)} == {"Jet_btagDeepFlavB", "Jet_btagDeepB"}
    # as they are at given flavour: test_nanoaod.py
    jets = {n: np.concatenate(other[f"Jet_{n}"]) for n in ("hadronFlavour", "btagDeepFlavB", "btagDeepB")}
    b = (jets["hadronFlavour"] == 5) & (jets["btagDeepB"] > 0)
    assert np.corrcoef(jets["btagDeepFlavB"][b], jets["btagDeepB"][b])[0, 1] > 0.6


def test_runs_hold_the_signed_sum_before_the_filter(tmp_path):
    events, runs = written(tmp_path / "a.root", "zjets", "simulation", "zjets", n_events=60_000)
    assert set(np.unique(events["genWeight"])) == {-1.0, 1.0}
    assert (events["genWeight"] < 0).mean() == pytest.approx(0.10, abs=0.01)
    # n_events is luminosity times cross section: the sum of weights is that, the number of events is larger
    assert runs["genEventSumw"][0] == pytest.approx(60_000, abs=4 * np.sqrt(runs["genEventCount"][0]))
    assert runs["genEventCount"][0] == runs["genEventSumw2"][0] > 1.15 * 60_000
    assert len(events["genWeight"]) < 0.5 * 60_000


@pytest.mark.parametrize("kind", ["simulation", "data"])
def test_all_trees_are_ttrees_and_say_what_the_events_do(tmp_path, kind):
    events, runs = written(tmp_path / "a.root", "s", kind, "ttbar")
    with uproot.open(tmp_path / "a.root") as file:
        assert file.classnames(cycle=False) == dict.fromkeys(("Events", "LuminosityBlocks", "Runs"), "TTree")
        blocks = file["LuminosityBlocks"].arrays(library="np")
    assert runs["run"].tolist() == np.unique(events["run"]).tolist()
    pairs = np.unique(np.stack([events["run"], events["luminosityBlock"]]), axis=1)
    np.testing.assert_array_equal(pairs, [blocks["run"], blocks["luminosityBlock"]])
    assert {runs["run"].dtype, *(column.dtype for column in blocks.values())} == {np.dtype(np.uint32)}


def test_data_list_certified_blocks_of_which_no_event_is_left(tmp_path):
    schema = Schema(blocks=Blocks.of_certified({"7": [[1, 2000]], "9": [[5, 6]]}, []))
    certified = [*((7, block) for block in range(1, 2001)), (9, 5), (9, 6)]
    for kind, expected, runs in (("data", certified, [7, 9]), ("simulation", [(1, 1)], [1])):
        file = GeneratedFile("s", kind, "ttbar", 0, 300)
        write_file(file, Composition(), TOY.generator, TRUE_SF, tmp_path / "a.root", schema)
        with uproot.open(tmp_path / "a.root") as root:
            blocks = root["LuminosityBlocks"].arrays(library="np")
            assert root["Runs/run"].array().tolist() == runs
        assert list(zip(blocks["run"].tolist(), blocks["luminosityBlock"].tolist(), strict=True)) == expected


def test_event_numbers_are_unique_in_a_sample(tmp_path):
    numbers = []
    for process in ("ttbar", "zjets", "zcc"):
        for index in (0, 1):
            events, _ = written(tmp_path / "a.root", "data", "data", process, index, n_events=1000)
            numbers.append(events["event"])
    numbers = np.concatenate(numbers)
    assert len(np.unique(numbers)) == len(numbers)


def test_pseudo_data_without_a_true_scale_factor_are_refused(tmp_path):
    with pytest.raises(ValueError, match="data_ttbar_0: pseudo-data need the path of the true scale factor"):
        written(tmp_path / "a.root", "data", "data", "ttbar", true_sf=None)


def test_a_full_disk_is_named(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "a.root"
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(
            NotEnoughDiskError, match=re.escape(str(path)) + ": no space left while writing .* larger disk"
        ):
            written(path, "ttbar", "simulation", "ttbar", n_events=10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
