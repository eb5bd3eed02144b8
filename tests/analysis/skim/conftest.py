"""The skim of a file of the fixtures, as a function."""

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tests.analysis.skim.hand_jets import write_corrections


@pytest.fixture
def selection(selection):
    """Return the preselection with an extra jet column."""
    return selection.model_copy(update={"jet_columns": {"quark_likelihood": "qgl"}})


@pytest.fixture
def skim_settings(simulation, tagger, selection, regions):
    """Return the settings of the fixtures, which keywords override."""

    def settings(**changes):
        given = {"sample_name": "ttbar", "sample": simulation}
        given |= {"tagger": tagger, "selection": selection, "regions": regions}
        return SkimSettings(**{**given, **changes})

    return settings


@pytest.fixture
def skim(tmp_path, skim_settings):
    """Skim a file; keywords override the settings of the fixtures."""

    def run(path, name="skim", file_name=None, events_per_chunk=100_000, **changes):
        tables = tmp_path / f"{name}_entries.parquet", tmp_path / f"{name}_jets.parquet"
        paths = {"entries_path": tables[0], "jets_path": tables[1]}
        report = skim_file(
            path, skim_settings(**changes), file_name=file_name, events_per_chunk=events_per_chunk, **paths
        )
        return report, *tables

    return run


@pytest.fixture
def with_scores(make_nanoaod):
    """Return a file of 2000 events in which the given fraction of jets has the given score."""

    def make(value, fraction, n_events=2000):
        with uproot.open(make_nanoaod(n_events)) as file:
            scores = file["Events/Jet_btagDeepFlavB"].array()
        flat = ak.to_numpy(ak.flatten(scores)).copy()
        flat[np.random.default_rng(5).random(len(flat)) < fraction] = value
        return make_nanoaod(n_events, replace={"Jet_btagDeepFlavB": ak.unflatten(flat, ak.num(scores))})

    return make


@pytest.fixture
def corrections(tmp_path):
    """Return the file of corrections with round numbers."""
    return write_corrections(tmp_path / "jet_jerc.json")
