"""Events of others in files, from YAML alone to figures, exports and truth-tagged tables."""

from __future__ import annotations

import json

import correctionlib
import pyarrow.parquet as pq
import pytest
import yaml

from tests.workflow.campaign import Campaign
from tests.workflow.published_toy import write_published_toy

TOP = "ProduceEfficiencyEnsemble"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """Return a finished main job on files with the published toy."""
    folder = tmp_path_factory.mktemp("own_events")
    for seed, (name, n_events) in enumerate({"train": 6000, "test": 2000, "z": 1000}.items()):
        write_published_toy(folder / f"{name}.parquet", n_events, seed)
    files = {name: [str(folder / f"{name}.parquet")] for name in ("train", "test", "z")}
    columns = {"pt_gev": "pt", "eta": "eta", "phi": "phi", "flavour": "label", "tag_bin": "tag"}
    tree = {
        "flavours": {name: {"hadron_flavours": [code]} for name, code in (("b", 1), ("c", 2), ("udsg", 3))},
        "efficiency": {
            "events": {
                "train": files["train"],
                "test": files["test"],
                "transfer": {"z": files["z"]},
                "columns": columns,
            },
            "models": {"gnn": {"blocks": 1, "units": 8, "passes": 2}},
            "ensemble": {"n_members": 2},
            "comparisons": {},
            "cross_fit": {"n_members": 1},
        },
        "plots": {"dpi": 50, "formats": ["png"]},
    }
    (folder / "published.yaml").write_text(yaml.safe_dump(tree))
    campaign = Campaign(folder / "run", base=folder / "published.yaml")
    done = campaign.law(TOP)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return campaign


def test_everything_is_made_of_every_sample(campaign):
    made = campaign.artefacts().keys()
    for sample in ("train", "test", "z"):
        assert f"ReadJetEvents/events_{sample}.parquet" in made
        assert f"ApplyTruthTagging/truth_tagged_{sample}.parquet" in made
    figures = [f"PlotEfficiency/{stem}_z.png" for stem in ("jet_efficiency_pt", "2tag_delta_r", "n_tags")]
    assert set(figures) <= made
    assert {"BuildEfficiencyMaps/map.json", "ExportEfficiency/efficiency.onnx"} <= made
    table = pq.read_table(campaign.outputs / "ApplyTruthTagging" / "truth_tagged_z.parquet")
    assert table.num_rows == 1000


def test_the_audit_closes_and_has_the_other_process(campaign):
    report = json.loads((campaign.outputs / "AuditEfficiency" / "audit.json").read_text())
    assert sorted(report["samples"]) == ["test", "train", "z"]
    assert set(report["processes"]["z"]) <= {"b", "c", "udsg"}
    assert report["rows"]["process.z.delta_r.1tag.chi2"]["value"] > 0
    # 2000 events have 2300 b jets, tagged with about 0.4: the statistical error is 2.5 %
    assert abs(report["rows"]["calibration.all_jets.b"]["value"]) < 10


def test_exports_have_the_codes_of_the_file(campaign):
    maps = correctionlib.CorrectionSet.from_file(str(campaign.outputs / "ExportEfficiency" / "efficiency_maps.json.gz"))
    b, light = (maps["efficiency"].evaluate("nominal", "M", code, 0.3, 100.0) for code in (1, 3))
    assert 0.3 < b < 0.9
    assert light < 0.5 * b
    with pytest.raises(IndexError):
        maps["efficiency"].evaluate("nominal", "M", 5, 0.3, 100.0)
    ratios = correctionlib.CorrectionSet.from_file(
        str(campaign.outputs / "ExportEfficiency" / "efficiency_processes.json.gz")
    )
    # z has the same efficiencies: 1000 events have 150 tagged b jets in a bin
    assert ratios["z_mc_mc"].evaluate("nominal", "M", 1, 150.0) == pytest.approx(1.0, abs=0.4)
