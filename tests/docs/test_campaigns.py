"""The shell commands of docs/campaigns.md that make links do what the page says."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import yaml

from tests.docs.documents import ROOT


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs the page's commands from a line on, with other values of what they read."""
    page = (ROOT / "docs" / "campaigns.md").read_text()
    blocks = ["".join(re.findall(r"^ {4}(.*\n)", block, re.M)) for block in re.findall(r"(?:^ {4}.*\n)+", page, re.M)]

    def run(first: str, **changes: str) -> None:
        code = next(block for block in blocks if block.startswith(first))
        for old, new in changes.items():
            code = re.sub(rf"^{old}=.*$", f"{old}={new}", code, flags=re.M)
        done = subprocess.run(
            ["bash", "-eu", "-c", code],
            cwd=ROOT,
            env={**os.environ, "DEEPSF_NANOAOD": str(tmp_path / "nanoaod")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return run


def test_links_lead_from_names_of_data_sets_to_the_folders_of_a_site(shell, tmp_path):
    data = tmp_path / "store/data/Run2017B/DoubleEG/NANOAOD/UL2017_MiniAODv2_NanoAODv9-v1/130000"
    simulation = tmp_path / "store/mc/RunIISummer20UL17NanoAODv9/WW_TuneCP5_13TeV-pythia8/NANOAODSIM"
    for folder in (data, simulation / "106X_mc2017_realistic_v9-v1" / "40000"):
        folder.mkdir(parents=True)
        (folder / "A.root").touch()
    shell("STORE=", STORE=str(tmp_path / "store"))
    samples = yaml.safe_load((ROOT / "configs" / "cms_2017.yaml").read_text())["samples"]
    for name in ("doubleeg_2017b", "ww"):
        folder = samples[name]["files"][0].removesuffix("/**/*.root").replace("$DEEPSF_NANOAOD", f"{tmp_path}/nanoaod")
        assert [path.name for path in os.scandir(folder)] == [{"ww": "40000"}.get(name, "130000")]
    assert sum(1 for path in (tmp_path / "nanoaod").glob("*/*/*") if path.is_symlink()) == 15 + 9
