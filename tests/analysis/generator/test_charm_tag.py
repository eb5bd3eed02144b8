"""Z + cc events, their c-tag score, and the c-enriched region that a configuration makes of both."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf import config
from deepsf.generator import charm_tag
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.plan import GeneratedFile, plan
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file

ROOT = Path(__file__).parents[3]
TOY_C = config.load(ROOT / "configs" / "toy_c.yaml")


@pytest.mark.parametrize(("flavour", "efficiency"), charm_tag.EFFICIENCIES["CvL"].items())
def test_tag_efficiencies_are_those_stated(flavour, efficiency):
    n = 200_000
    score = charm_tag.draw(np.random.default_rng(1), "CvL", np.full(n, flavour), np.full(n, 1.0), 2.5)
    error = np.sqrt(efficiency * (1 - efficiency) / n)
    assert (score > charm_tag.THRESHOLD).mean() == pytest.approx(efficiency, abs=4 * error)
    # P(score < 0.5) = 0.5**a with 0.8**a = 1 - efficiency
    exponent = np.log(1 - efficiency) / np.log(0.8)
    assert (score < 0.5).mean() == pytest.approx(0.5**exponent, abs=0.005)
    assert set(charm_tag.draw(np.random.default_rng(1), "CvL", np.full(5, flavour), np.full(5, 2.5), 2.5)) == {-1.0}


def test_the_region_of_the_configuration_is_half_charm_and_overlaps_with_none(tmp_path):
    weights, flavours = [], []
    n_entries = {}
    for file in plan(TOY_C.campaign, TOY_C.samples, TOY_C.generator):
        if file.kind == "data" or file.index > 0:
            continue
        n_events = {"ttbar": 20_000, "zjets": 150_000, "zcc": 30_000}[file.process]
        write_file(
            GeneratedFile(file.sample, "simulation", file.process, 0, n_events), Composition(), TOY_C.generator, None,
            tmp_path / "a.root",
        )  # fmt: skip
        sample = TOY_C.samples[file.sample]
        settings = SkimSettings(file.sample, sample, TOY_C.tagger, TOY_C.selection, TOY_C.regions)
        tables = {"entries_path": tmp_path / "e.parquet", "jets_path": tmp_path / "j.parquet"}
        skim_file(tmp_path / "a.root", settings, **tables)
        rows = pq.read_table(tmp_path / "e.parquet").to_pandas()
        assert not (rows.in_c & (rows.in_lf | rows.in_hf)).any()
        chosen = rows[rows.in_c]
        n_entries[file.process] = len(chosen)
        assert (chosen.tag_charm > 0.8).all()
        weights.append(chosen.weight * sample.cross_section_pb / n_events)
        flavours.append(chosen.probe_hadron_flavour)
    assert min(n_entries["zjets"], n_entries["zcc"]) > 200
    weight, flavour = np.concatenate(weights), np.concatenate(flavours)
    purity = {code: weight[flavour == code].sum() / weight.sum() for code in (5, 4, 0)}
    assert purity[4] > 0.5
    assert purity[5] < 0.1
