"""Which corrections a sample gets."""

import pyarrow.parquet as pq
import pytest

from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.pileup import Pileup
from deepsf.skim.jet_corrections import JetCorrectionError
from deepsf.skim.settings import Corrections
from tests.analysis.skim.test_pileup import pileup_file


def test_pileup_leaves_data_alone(make_nanoaod, skim, data):
    pileup = Pileup(file="absent.json", name="pu")
    _, entries, _ = skim(make_nanoaod(data=True), sample=data, pileup=pileup)
    assert set(pq.read_table(entries)["weight"].to_pylist()) == {1.0}


def test_branches_are_those_of_the_corrections(skim_settings, tmp_path):
    stored = Corrections.load(skim_settings()).branches
    assert stored.jet_content == ("jetId",)
    assert not any(stored._replace(jet_content=()))
    pileup = Pileup(file=pileup_file(tmp_path / "pu.json"), name="pu")
    assert Corrections.load(skim_settings(pileup=pileup)).branches.pileup
    jets = JetCorrections(file=pileup.file, jes_sources={"Absolute": "pu"})
    with pytest.raises(JetCorrectionError, match="'pu' takes NumTrueInteractions, weights"):
        Corrections.load(skim_settings(pileup=pileup, jet_corrections=jets))
