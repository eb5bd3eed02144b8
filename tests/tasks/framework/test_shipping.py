"""What jobs return is moved to its place whole or not at all; archives of repository and environment."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.framework import bundles, shipping
from tasks.framework.provenance import content_of, manifest_path, write_manifest

TASK = Path("v1", "toy", "TrainDeepSF")


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The folder of a workflow, as far as `receive` looks at it."""
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / TASK
    (folder / "htcondor").mkdir(parents=True)
    return SimpleNamespace(folder=lambda: folder)


def returned(workflow: SimpleNamespace, made: Path, *, complete: bool = True, number: int = 0) -> Path:
    """Pack a job's folder of outputs as the job does."""
    archive = workflow.folder() / "htcondor" / f"outputs_{number}.tar"
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


def test_returned_outputs_are_moved_to_their_places_and_count(workflow: SimpleNamespace, made: Path) -> None:
    archive = returned(workflow, made)
    shipping.receive(workflow)
    member = workflow.folder() / "member_0.safetensors"
    assert member.read_bytes() == b"weights"
    assert content_of(member) is not None
    assert (workflow.folder() / ".checkpoint_1.safetensors").read_bytes() == b"state"
    assert not archive.exists()
    assert [path.name for path in (workflow.folder() / "htcondor").iterdir()] == []


def test_an_archive_that_is_still_being_written_is_left_for_the_next_time(
    workflow: SimpleNamespace, made: Path
) -> None:
    archive = returned(workflow, made, complete=False)
    shipping.receive(workflow)
    whole = returned(workflow, made, number=1).read_bytes()
    for length in (0, 300, len(whole) // 2):
        archive.write_bytes(whole[:length])
        (workflow.folder() / "htcondor" / "outputs_1.tar").unlink(missing_ok=True)
        shipping.receive(workflow)
        assert archive.exists()
        assert not (workflow.folder() / "member_0.safetensors").exists()
    archive.write_bytes(whole)
    shipping.receive(workflow)
    assert (workflow.folder() / "member_0.safetensors").exists()


def test_an_output_that_is_not_what_its_manifest_says_is_not_taken(workflow: SimpleNamespace, made: Path) -> None:
    (made / TASK / "member_0.safetensors").write_bytes(b"wrong w")
    returned(workflow, made)
    shipping.receive(workflow)
    assert not (workflow.folder() / "member_0.safetensors").exists()
    assert not manifest_path(workflow.folder() / "member_0.safetensors").exists()


def test_nothing_leaves_the_folder_of_outputs(workflow: SimpleNamespace, tmp_path: Path) -> None:
    archive = workflow.folder() / "htcondor" / "outputs_0.tar"
    with tarfile.open(archive, "w") as packed:
        packed.addfile(tarfile.TarInfo("../../outside"), io.BytesIO())
        packed.addfile(tarfile.TarInfo(shipping.COMPLETE), io.BytesIO())
    shipping.receive(workflow)
    assert not list(tmp_path.rglob("outside"))


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
    (tmp_path / "law.sh").write_text('(sleep 5; echo went on) & echo "started with $*"; wait\n')
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


def test_the_bundle_of_the_repository_is_made_once_and_has_what_a_job_needs(tmp_path: Path) -> None:
    base = tmp_path / "checkout"
    for name in bundles.REPOSITORY:
        path = base / name / "part.txt" if "." not in name else base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (base / "tasks" / "__pycache__").mkdir()
    (base / "tasks" / "__pycache__" / "x.pyc").write_text("")
    (base / "data").mkdir()
    first = bundles.repository_bundle(base, tmp_path / "bundles")
    made = first.stat().st_mtime_ns
    with tarfile.open(first) as archive:
        names = archive.getnames()
    assert sorted(names) == sorted(f"{n}/part.txt" if "." not in n else n for n in bundles.REPOSITORY)
    assert bundles.repository_bundle(base, tmp_path / "bundles").stat().st_mtime_ns == made
    (base / "setup.sh").write_text("other")
    assert bundles.repository_bundle(base, tmp_path / "bundles") != first


def test_a_job_reads_files_from_outside_the_repository_where_they_travelled_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.framework import settings

    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path))
    given = {"files": {"v1/toy/a": "digest"}, "external": {"/far/true.json": ".external/0_true.json"}}
    (tmp_path / settings.SHIPPED).write_text(json.dumps(given))
    settings.shipped.cache_clear()
    try:
        assert settings.local(Path("/far/true.json")) == Path("/far/true.json")
        settings.shipped.cache_clear()
        monkeypatch.setenv(settings.SHIPPED_VARIABLE, "1")
        assert settings.local(Path("/far/true.json")) == tmp_path / ".external" / "0_true.json"
        assert settings.local(Path("/far/other.json")) == Path("/far/other.json")
    finally:
        settings.shipped.cache_clear()
