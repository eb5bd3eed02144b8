"""Exactly what depends on an edit, or on a file that was replaced, is made again; what was made once comes back."""

from __future__ import annotations

import os

from tests.workflow.edits import REQUIRED, assert_each_edit_runs_exactly_what_depends_on_it


def test_each_edit_reruns_exactly_what_depends_on_it_and_the_way_back_trains_nothing(main_job, tmp_path):
    campaign = main_job.campaign.copy(tmp_path / "edited", *REQUIRED)
    assert_each_edit_runs_exactly_what_depends_on_it(campaign)
    first = main_job.campaign
    names = first.artefacts().keys()
    assert campaign.artefacts().keys() - names == {f"TrainDeepSF/{name}_2.{kind}" for name, kind in THIRD}
    differ = [n for n in names if (campaign.outputs / n).read_bytes() != (first.outputs / n).read_bytes()]
    assert [name for name in differ if not name.endswith(".root")] == []  # ROOT files hold dates


THIRD = (("member", "safetensors"), ("history", "json"))


def test_a_touched_file_costs_one_digest_and_a_replaced_one_is_made_again(main_job, tmp_path):
    campaign = main_job.campaign.copy(tmp_path / "replaced", *REQUIRED)
    skims = campaign.outputs / "SkimNtuples"
    touched = skims / "ttbar" / "ttbar_0_entries.parquet"
    campaign.status()  # knows the digests of external files from now on
    os.utime(touched)
    before = campaign.everything()
    again = campaign.law("ProduceDeepSFEnsemble")
    assert again.returncode == 0, again.stderr[-3000:]
    after = campaign.everything()
    manifest = "v1/tiny/SkimNtuples/ttbar/.ttbar_0_entries.parquet.manifest.json"
    assert {name for name in after if after[name] != before.get(name)} == {manifest}  # it knows the new time
    replaced, content = skims / "zjets" / "zjets_0_entries.parquet", touched.read_bytes()
    original = replaced.read_bytes()
    replaced.unlink()
    replaced.write_bytes(content)
    status = campaign.status()
    assert "SkimNtuples stale (3/4): changed after it was made" in status
    before, costs = campaign.artefacts(), campaign.records()
    done = campaign.law("AggregateDeepSF")
    assert done.returncode == 0, done.stderr[-3000:]
    assert {name for name, time in campaign.records().items() if costs[name] != time} == {"SkimNtuples/1"}
    after = campaign.artefacts()
    assert {name for name in after if after[name] != before[name]} == {
        f"SkimNtuples/zjets/zjets_0_{table}.parquet" for table in ("entries", "jets")
    }
    assert replaced.read_bytes() == original
