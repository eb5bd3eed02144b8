"""Jobs without a shared file system: what they get, and what they return, which is moved whole or not at all."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.framework import settings
from tasks.framework.htcondor import bundles, shipping
from tasks.framework.provenance import content_of, manifest_path, write_manifest
from tests.tasks.framework.chain import BranchesOfChain, SecondOfChain

TASK = Path("v1", "toy", "TrainDeepSF")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The outputs of a workflow."""
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / TASK
    (folder / "htcondor").mkdir(parents=True)
    return folder


def returned(folder: Path, made: Path, *, complete: bool = True, number: int = 0) -> Path:
    """Pack a job's folder of outputs as the job does."""
    archive = folder / "htcondor" / f"outputs_{number}.tar"
    with tarfile.open(archive, "w") as packed:
        packed.add(made / TASK, str(TASK))
        if complete:
            packed.addfile(tarfile.TarInfo(shipping.COMPLETE), io.BytesIO())
    return archive


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A member and its manifest as a job made them, and a checkpoint."""
    folder = tmp_path / "job"
    (folder / TASK).mkdir(parents=True)
    member = folder / TASK / "member_0.safetensors"
    member.write_bytes(b"weights")
    write_manifest(member, "TrainDeepSF", {"parameter:member": 0})
    (folder / TASK / ".checkpoint_1.safetensors").write_bytes(b"state")
    return folder


def test_returned_outputs_are_moved_to_their_places_and_count(folder: Path, made: Path) -> None:
    archive = returned(folder, made)
    shipping.receive(folder)
    member = folder / "member_0.safetensors"
    assert member.read_bytes() == b"weights"
    assert content_of(member) is not None
    assert (folder / ".checkpoint_1.safetensors").read_bytes() == b"state"
    assert not archive.exists()
    assert [path.name for path in (folder / "htcondor").iterdir()] == []


def test_an_archive_that_is_still_being_written_is_left_for_the_next_time(folder: Path, made: Path) -> None:
    archive = returned(folder, made, complete=False)
    shipping.receive(folder)
    whole = returned(folder, made, number=1).read_bytes()
    for length in (0, 300, len(whole) // 2):
        archive.write_bytes(whole[:length])
        (folder / "htcondor" / "outputs_1.tar").unlink(missing_ok=True)
        shipping.receive(folder)
        assert archive.exists()
        assert not (folder / "member_0.safetensors").exists()
    archive.write_bytes(whole)
    shipping.receive(folder)
    assert (folder / "member_0.safetensors").exists()


def test_an_output_that_is_not_what_its_manifest_says_is_not_taken(folder: Path, made: Path) -> None:
    (made / TASK / "member_0.safetensors").write_bytes(b"wrong w")
    returned(folder, made)
    shipping.receive(folder)
    assert not (folder / "member_0.safetensors").exists()
    assert not manifest_path(folder / "member_0.safetensors").exists()


def test_nothing_leaves_the_folder_of_outputs(folder: Path, tmp_path: Path) -> None:
    archive = folder / "htcondor" / "outputs_0.tar"
    with tarfile.open(archive, "w") as packed:
        packed.addfile(tarfile.TarInfo("../../outside"), io.BytesIO())
        packed.addfile(tarfile.TarInfo(shipping.COMPLETE), io.BytesIO())
    shipping.receive(folder)
    assert not list(tmp_path.rglob("outside"))


# --- what a job gets


@pytest.fixture
def shipped(campaign, monkeypatch):
    """Return a function that ships branches of the chain, each a job, and returns law's description of the file."""
    monkeypatch.setattr(bundles, "repository_bundle", lambda *_: Path("repository.tar.gz"))
    monkeypatch.setattr(bundles, "environment_bundle", lambda *_: Path("environment.tar.gz"))
    monkeypatch.setattr(BranchesOfChain, "requires", lambda self: SecondOfChain.req(self))
    monkeypatch.setattr(BranchesOfChain, "external_files", lambda _: [campaign.data / "external.txt"])
    monkeypatch.setattr(BranchesOfChain, "kept_between_attempts", lambda self: [self.folder() / f".at_{self.branch}"])
    campaign.edit(ensemble={"n_members": 3})
    campaign.make(SecondOfChain)

    def ship(*jobs: list[int]) -> SimpleNamespace:
        task = campaign.task(BranchesOfChain)
        config = SimpleNamespace(input_files={}, output_files={}, custom_content=[])
        branches = [[task.as_branch(number) for number in numbers] for numbers in jobs]
        shipping.ship(task.folder(), branches, config, task.config_snapshot())
        return config

    return ship


SHIPMENTS = "v1/mine/BranchesOfChain/htcondor/shipments"


def test_a_job_gets_all_that_its_branches_read(campaign, shipped) -> None:
    checkpoint = campaign.data / "v1/mine/BranchesOfChain/.at_1"
    checkpoint.parent.mkdir()
    checkpoint.write_text("state")
    config = shipped([0, 1])
    with tarfile.open(campaign.data / SHIPMENTS / "shipment_0-1.tar") as archive:
        names = archive.getnames()
        given = json.loads(archive.extractfile(settings.SHIPPED).read())
    second = "v1/mine/SecondOfChain/deep"
    outputs = [f"{second}/{name}.json" for name in ("one", "two")]
    assert [name for name in names if not name.startswith(".configs/mine-")] == [
        ".external/0_external.txt",
        "v1/mine/BranchesOfChain/.at_1",
        *(f"{second}/.{name}.json.manifest.json" for name in ("one", "two")),
        *outputs,
        settings.SHIPPED,
    ]
    assert given["external"] == {str(campaign.data / "external.txt"): ".external/0_external.txt"}
    assert given["files"] == {name: content_of(campaign.data / name) for name in outputs}
    assert config.output_files == {"outputs.tar": "outputs.tar"}
    place = f"{campaign.data / SHIPMENTS}/shipment$(law_job_postfix).tar"
    assert ("transfer_input_files", f"$(transfer_input_files),{place}") in config.custom_content


def test_jobs_that_read_the_same_share_one_archive(campaign, shipped) -> None:
    shipped([0], [1, 2])
    archives = [campaign.data / SHIPMENTS / f"shipment{jobs}.tar" for jobs in ("_0", "_1-2")]
    assert archives[0].samefile(archives[1])
    shipping.remove_shipments(campaign.data / "v1/mine/BranchesOfChain")
    assert not (campaign.data / SHIPMENTS).exists()


# --- the scripts of a job, which HTCondor evicts


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """A job's folder with its scripts as law renders them, and input that is being laid out."""
    variables = {"law_wrapper": "law.sh", "stageout_file": "stageout_1a2b.sh"}
    variables |= {"deepsf_outputs": str(TASK), "file_postfix": "_1"}
    for name, rendered in (("evictable.sh", "evictable.sh"), ("stageout.sh", "stageout_1a2b.sh")):
        text = Path(shipping.__file__).with_name(name).read_text()
        for variable, value in variables.items():
            text = text.replace(f"{{{{{variable}}}}}", value)
        (tmp_path / rendered).write_text(text)
    (tmp_path / "law.sh").write_text('(sleep 60; echo went on) & echo "started with $*"; wait\n')
    (tmp_path / "job_x" / "deepsf" / "data").mkdir(parents=True)
    return tmp_path


def evict(sandbox: Path) -> list[str]:
    """Start a job, tell it to end, and return what is in the archive that it leaves."""
    command = ["bash", "evictable.sh", "_1", "log.txt"]
    job = subprocess.Popen(command, cwd=sandbox, stdout=subprocess.PIPE, text=True)
    assert job.stdout is not None
    assert job.stdout.readline() == "started with _1 log.txt\n"
    job.terminate()
    assert job.wait(20) == 0
    assert job.stdout.read() == "", "something of it went on"
    job.stdout.close()
    assert (sandbox / "log.txt").read_text().startswith("evicted")
    with tarfile.open(sandbox / "outputs_1.tar") as archive:
        return archive.getnames()


def test_an_evicted_job_packs_its_checkpoint(sandbox: Path) -> None:
    data = sandbox / "job_x" / "deepsf" / "data"
    (data / TASK).mkdir(parents=True)
    for name in (".checkpoint_1.safetensors", ".checkpoint_1.safetensors.part", ".part-1-member_1.safetensors"):
        (data / TASK / name).write_bytes(b"state")
    (data / ".laid_out").touch()
    assert evict(sandbox) == [str(TASK), str(TASK / ".checkpoint_1.safetensors"), shipping.COMPLETE]
    assert not (data / ".laid_out").exists()


@pytest.mark.parametrize("state", ["laying out", "cleaning up"])
def test_a_job_that_is_evicted_before_or_after_its_work_keeps_what_was_packed(sandbox: Path, state: str) -> None:
    with tarfile.open(sandbox / "outputs_1.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("what another attempt packed"), io.BytesIO())
    if state == "cleaning up":
        (sandbox / "job_x" / "deepsf" / "data").rmdir()
        (sandbox / "job_x" / "deepsf").rmdir()
        (sandbox / "job_x").rmdir()
    assert evict(sandbox) == ["what another attempt packed"]


def test_a_job_that_is_evicted_with_nothing_packed_has_an_archive_all_the_same(sandbox: Path) -> None:
    assert evict(sandbox) == []


def test_a_job_ends_with_the_exit_code_of_its_work(sandbox: Path) -> None:
    (sandbox / "law.sh").write_text("exit 60\n")
    assert subprocess.run(["bash", "evictable.sh", "_1", "log.txt"], cwd=sandbox, check=False).returncode == 60
