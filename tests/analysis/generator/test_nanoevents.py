"""Generated files of each era's schema are selected as coffea's NanoEvents selects them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config import load
from deepsf.config.jet_id import JetId
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.plan import GeneratedFile
from deepsf.generator.schema import Schema, paths_of
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tests.oracles import nanoevents

CONFIGS = Path(__file__).parents[3] / "configs"
ERAS = {"2018": "v9", "2022": "v12", "2024": "v15"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning:coffea")  # about collections that are not read
@pytest.mark.parametrize("process", ["ttbar", "zjets"])
@pytest.mark.parametrize("era", ERAS)
def test_leptons_jets_pairs_and_entries_are_those_of_nanoevents(era, process, tmp_path):
    config, toy = load(CONFIGS / f"cms_{era}.yaml"), load(CONFIGS / "toy.yaml")
    identification = config.selection.jet.id
    if identification is not None and identification.file is not None:
        identification = JetId(cuts="run3")  # what the file of corrections holds, which is none of the repository
    jet = config.selection.jet.model_copy(update={"id": identification})
    selection = config.selection.model_copy(update={"jet": jet, "weights": {}})
    schema = Schema(
        version=ERAS[era], triggers=paths_of(selection.triggers), filters=selection.event_filters,
        jet_content=identification is not None,
    )  # fmt: skip
    planned = GeneratedFile(process, "simulation", process, 0, 4000)
    write_file(planned, Composition(), toy.generator, None, tmp_path / "nano.root", schema)
    settings = SkimSettings("mc", toy.samples["ttbar"], config.tagger, selection, toy.regions)
    tables = tmp_path / "entries.parquet", tmp_path / "jets.parquet"
    report = skim_file(tmp_path / "nano.root", settings, entries_path=tables[0], jets_path=tables[1])
    entries, jets = (pq.read_table(table).to_pandas() for table in tables)
    found = {step: list(report.cut_flow[step].values()) for step in ("two_leptons", "delta_r_ll", "two_jets")}
    found["jets"] = np.bincount(jets.channel, minlength=3).tolist()
    for region in toy.regions:
        found[f"entries_{region}"] = np.bincount(entries.channel[entries[f"in_{region}"]], minlength=3).tolist()
    assert found == nanoevents.counts(tmp_path / "nano.root", selection, config.tagger)
    assert sum(found["jets"]) > 200
    assert sum(found["entries_hf" if process == "ttbar" else "entries_lf"]) > 20
