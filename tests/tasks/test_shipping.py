"""What jobs return is moved to its place whole or not at all; archives of repository and environment."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks import bundles, shipping
from tasks.provenance import content_of, manifest_path, write_manifest

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
    from tasks import settings

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
