import re
from pathlib import Path

import numpy as np
import pytest
import uproot

from deepsf import config
from deepsf.config.mismodelling import Mismodelling
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.plan import GeneratedFile, NotEnoughDiskError, check_disk, estimated_bytes, plan
from deepsf.generator.schema import Schema

ROOT = Path(__file__).parents[3]
TOY = config.load(ROOT / "configs" / "toy.yaml")
TRUE_SF = ROOT / TOY.generator.true_sf.file


def planned(luminosity_ifb=1.0, **changes):
    campaign = TOY.campaign.model_copy(update={"luminosity_ifb": luminosity_ifb})
    return plan(campaign, TOY.samples, TOY.generator.model_copy(update=changes))


def test_simulation_has_the_asked_luminosity_in_full_files_and_a_remainder():
    # 2 x 1 /fb x 90 pb = 180 000 events
    files = [file for file in planned(events_per_file=50_000) if file.sample == "ttbar"]
    assert [file.n_events for file in files] == [50_000, 50_000, 50_000, 30_000]
    assert [file.stem for file in files] == ["ttbar_0", "ttbar_1", "ttbar_2", "ttbar_3"]


def test_pseudo_data_fluctuate_around_the_expectation_times_the_largest_rate():
    # ttbar: 90 000 expected; largest rate 1.05 x (1 + 0.1 ln(10)/ln(3))^2 = 1.05 x 1.20959^2 = 1.53627
    numbers = []
    for seed in range(30):
        files = [file for file in planned(seed=seed) if file.kind == "data" and file.process == "ttbar"]
        assert files[0].stem == "data_ttbar_0"
        numbers.append(sum(file.n_events for file in files))
    expected = 90_000 * 1.53627
    assert np.mean(numbers) == pytest.approx(expected, abs=4 * np.sqrt(expected / 30))
    assert 0.5 < np.std(numbers) / np.sqrt(expected) < 1.6


def test_a_wrong_composition_raises_the_number_of_proposed_events_in_its_process():
    departures = {"ttbar": {"udsg": {"rate": 0.5}}}
    kind, unkind = (
        {(f.kind, f.process): f.n_events for f in planned(events_per_file=10**7, mismodelling=wrong)}
        for wrong in (Mismodelling(), Mismodelling(departures=departures))
    )
    # two jets of 1.5 each
    n = kind.pop(("data", "ttbar"))
    assert unkind.pop(("data", "ttbar")) == pytest.approx(1.5**2 * n, abs=8 * np.sqrt(n))
    assert kind == unkind


@pytest.mark.parametrize(("changes", "sample"), [({}, "ttbar"), ({"simulation_over_data": 1e6}, "data")])
def test_a_luminosity_without_events_is_refused(changes, sample):
    # 1e-9 /fb x 90 pb = 9e-5 events
    message = rf"samples\.{sample}: not one ttbar event at campaign\.luminosity_ifb = 1e-09 .* of 90 pb; raise"
    with pytest.raises(ValueError, match=message):
        planned(luminosity_ifb=1e-9, **changes)


def test_plan_is_the_same_every_time_and_stems_are_unique():
    assert planned() == planned()
    stems = [file.stem for file in planned(luminosity_ifb=10.0)]
    assert len(set(stems)) == len(stems) > 10


def test_files_of_data_know_their_part_of_the_sample():
    files = planned(events_per_file=100_000, luminosity_ifb=1.0)
    data = [file.part for file in files if file.kind == "data"]
    assert data == [(part, len(data)) for part in range(len(data))]
    assert len(data) > 3
    assert {file.part for file in files if file.kind == "simulation"} == {(0, 1)}


def test_more_luminosity_keeps_the_files_of_simulation_and_adds_to_them():
    def full(files):
        return [file for file in files if file.kind == "simulation" and file.n_events == 50_000]

    few, many = full(planned(events_per_file=50_000)), full(planned(events_per_file=50_000, luminosity_ifb=2.0))
    assert set(few) < set(many)


@pytest.mark.parametrize(
    ("kind", "process"), [(k, p) for k in ("simulation", "data") for p in ("ttbar", "zjets", "zcc")]
)
def test_estimated_size_is_that_of_a_written_file(tmp_path, kind, process):
    file = GeneratedFile("sample", kind, process, 0, 40_000)
    write_file(file, Composition(), TOY.generator, TRUE_SF, tmp_path / "a.root")
    assert estimated_bytes([file], TOY.generator) == pytest.approx((tmp_path / "a.root").stat().st_size, rel=0.25)


def test_a_small_disk_is_refused_before_anything_is_written(tmp_path):
    directory = tmp_path / "not" / "there"
    with pytest.raises(
        NotEnoughDiskError,
        match=re.escape(str(directory)) + r": \d+ generated files need about .* GB, "
        r"but only 5\.0 MB are free; free space, move the outputs",
    ):
        check_disk(planned(10.0), TOY.generator, directory, n_free_bytes=5_000_000)
    check_disk(planned(10.0), TOY.generator, directory, n_free_bytes=10**12)
    assert not directory.exists()


def test_free_space_is_asked_from_the_file_system(tmp_path):
    check_disk([GeneratedFile("ttbar", "simulation", "ttbar", 0, 1)], TOY.generator, tmp_path / "new")
    with pytest.raises(NotEnoughDiskError, match="are free"):
        check_disk([GeneratedFile("ttbar", "simulation", "ttbar", 0, 10**15)], TOY.generator, tmp_path / "new")


def test_files_of_later_versions_are_estimated_larger(tmp_path):
    for version in ("v12", "v15"):
        generator = TOY.generator.model_copy(update={"nanoaod": version})
        for kind in ("simulation", "data"):
            file = GeneratedFile("sample", kind, "ttbar", 0, 40_000)
            write_file(file, Composition(), generator, TRUE_SF, tmp_path / "a.root", Schema(version))
            size = (tmp_path / "a.root").stat().st_size
            assert estimated_bytes([file], generator) == pytest.approx(size, rel=0.25)


def test_data_samples_of_one_channel_share_its_luminosity_and_no_event_number(tmp_path):
    data = TOY.samples["data"]
    periods = {f"ee_{k}": data.model_copy(update={"channels": ("ee",)}) for k in "ab"}
    muons = {"mumu": data.model_copy(update={"channels": ("mumu",)})}
    simulation = {name: sample for name, sample in TOY.samples.items() if sample.kind == "simulation"}
    files = plan(TOY.campaign, {**simulation, **periods, **muons}, TOY.generator)
    n_events = {name: sum(f.n_events for f in files if f.sample == name) for name in ("ee_a", "ee_b", "mumu")}
    assert n_events["ee_a"] == pytest.approx(n_events["mumu"] / 2, rel=0.01)
    assert n_events["ee_b"] == pytest.approx(n_events["mumu"] / 2, rel=0.01)
    assert [f.place for f in files if f.process == "ttbar" and f.index == 0] == [0, 0, 1, 2]
    numbers = []
    for place in (0, 1):
        file = GeneratedFile("ee", "data", "ttbar", 0, 1000, place)
        write_file(file, Composition(), TOY.generator, TRUE_SF, tmp_path / "a.root")
        numbers.append(uproot.open(tmp_path / "a.root")["Events/event"].array(library="np"))
    assert not np.intersect1d(*numbers).size
