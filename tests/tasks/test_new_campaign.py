"""`NewCampaign`: from files to a config that loads, with all that a user must look at marked."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from deepsf.config import ConfigError, load
from tasks.framework import settings
from tasks.new_campaign import NewCampaign

N = 60
RUN = 360500
ERA = load(settings.base() / "configs" / "cms_2022EE.yaml")
PATHS = [path for paths in ERA.selection.triggers.values() for path in paths]
FILTERS = list(ERA.selection.event_filters)


@pytest.fixture
def store(make_nanoaod, tmp_path):
    """Return a function that writes a file of a data set with trigger paths, filters and the tagger of the era."""

    def write(data_set, *, data, run=RUN, paths=PATHS, filters=FILTERS, seed=1):
        folder = tmp_path / "store" / data_set
        folder.mkdir(parents=True)
        columns = {name: np.ones(N, np.bool_) for name in (*paths, *filters)}
        columns["run"] = np.full(N, run if data else 1, np.uint32)
        name = f"store/{data_set}/a.root"
        return make_nanoaod(N, seed, name=name, data=data, run3=True, replace=columns)

    return write


@pytest.fixture
def written(campaign, tmp_path, said):
    """Return a function that runs the task on the store, and gives the text."""

    def run(**parameters):
        place = tmp_path / "new.yaml"
        task = NewCampaign(files=(str(tmp_path / "store"),), path=str(place), **parameters)
        task.run()
        assert task.complete()
        return place.read_text()

    return run


def test_files_become_the_samples_of_their_era_and_the_others_go(store, written, tmp_path):
    store("EGamma/Run2022F-22Sep2023-v1/NANOAOD", data=True)
    store("MuonEG/Run2022F-22Sep2023-v1", data=True, seed=2)
    store("Muon_Run2022F", data=True, seed=3)
    store("TTto2L2Nu_TuneCP5_13p6TeV_powheg-pythia8/more", data=False, seed=4)
    text = written()
    assert yaml.safe_load(text)["extends"].endswith("configs/cms_2022EE.yaml")
    config = load(tmp_path / "new.yaml")
    assert set(config.samples) == {"egamma_2022f", "muoneg_2022f", "muon_2022f", "ttbar_dilepton"}
    (pattern,) = config.samples["muon_2022f"].files
    assert pattern == f"{tmp_path}/store/Muon_Run2022F/*.root"
    assert config.samples["egamma_2022f"].channels == ("ee",)
    assert set(config.jet_corrections.jec.samples) == {"egamma_2022f", "muoneg_2022f", "muon_2022f"}
    assert f"muon_2022f:  # data, mumu, {N} events in 1 files, runs {RUN} to {RUN}" in text
    assert "luminosity_ifb: 26.6716  # CHECK" in text


def test_what_files_lack_is_marked(store, written, tmp_path):
    store("EGamma/Run2022F-22Sep2023-v1", data=True, paths=PATHS[1:], filters=FILTERS[:-1])
    store("TTto2L2Nu_TuneCP5_13p6TeV_powheg-pythia8", data=False, paths=PATHS[:-1])
    text = written()
    assert f"# CHECK: none of the trigger paths of ee: {PATHS[0]}" in text
    assert f"# some files lack these trigger paths of mumu: {PATHS[-1]}" in text
    assert f"# CHECK: not in all files: {FILTERS[-1]}" in text
    assert "# CHECK: they lack btagPNetB of the era" in text
    assert load(tmp_path / "new.yaml").selection.event_filters == tuple(FILTERS[:-1])


def test_a_data_set_that_the_era_does_not_know_needs_its_user(store, written, tmp_path):
    store("EGamma/Run2022F-22Sep2023-v1", data=True)
    store("MySignal", data=False)
    assert "MySignal:  # CHECK: no sample of the era has this name" in written()
    with pytest.raises(ConfigError, match=r"samples\.MySignal: a simulated sample needs cross_section_pb"):
        load(tmp_path / "new.yaml")


def test_data_and_simulation_in_one_folder_are_two_samples(make_nanoaod, store, written, tmp_path):
    path = store("mine", data=True)
    simulation = make_nanoaod(N, 2, name="store/mine/b.root", run3=True)
    samples = yaml.safe_load(written())["samples"]
    assert samples["mine_data"] == {"kind": "data", "channels": ["ee", "emu", "mumu"], "files": [str(path)]}
    assert samples["mine_simulation"]["files"] == [str(simulation)]


def test_an_era_is_never_guessed(store, written):
    store("EGamma/Run2022F-22Sep2023-v1", data=True)
    other = store("EGamma/Run2023C-22Sep2023_v1-v1", data=True, run=368000, seed=2)
    with pytest.raises(ConfigError, match=rf"files hold runs {RUN} to 368000, which fits no shipped era; name one"):
        written()
    with pytest.raises(ConfigError, match=r"--era 2022EE: no such campaign; there are .*cms_2022EE"):
        written(era="2022EE")
    other.unlink()
    assert "cms_2022EE.yaml" in written()
    with pytest.raises(ConfigError, match=r"new\.yaml: this file exists; remove it, or write to another one"):
        written()
