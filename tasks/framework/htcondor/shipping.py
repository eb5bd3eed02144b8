"""Jobs without a shared file system: what a branch reads travels with its job, and what it made comes back.

A shipment is an archive laid out like the folder of outputs: the upstream outputs of the job's branches with their
manifests, the branches' own checkpoints, the snapshot of the configuration, files from outside the repository, and
`settings.SHIPPED`, which lists for the job what it was given. Outputs return as an archive beside the logs; `receive`
moves them to their places, manifests last.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import law

from tasks.framework import settings
from tasks.framework.htcondor import bundles
from tasks.framework.htcondor.queue import branches_text
from tasks.framework.provenance import content_of, digest, manifest_path
from tasks.framework.targets import ProvenanceTarget

COMPLETE = ".complete"
"""Last member of a returned archive: one that was cut off has none."""

_FOLDER = "shipments"


class Branch(Protocol):
    """A branch of a workflow as a shipment sees it: what it reads, and what another attempt goes on from."""

    branch: int

    def upstream(self) -> list[ProvenanceTarget]: ...
    def external_files(self) -> Iterable[Path | str]: ...
    def own_inputs(self) -> dict[str, Any]: ...
    def kept_between_attempts(self) -> Iterable[Path]: ...


def ship(folder: Path, jobs: Iterable[Sequence[Branch]], config: Any, snapshot: Path) -> None:
    """Add to a submit file what its jobs need where they see none of our folders, and what they return.

    Parameters
    ----------
    folder
        The workflow's folder of outputs.
    jobs
        The branches that each job works for.
    config
        law's description of the submit file.
    snapshot
        File with the configuration that the jobs read.
    """
    shipments = folder / "htcondor" / _FOLDER
    venv = settings.software() / "venv"
    config.input_files |= {
        "deepsf_repository": _as_it_is(
            bundles.repository_bundle(settings.base(), settings.data() / "jobs" / "bundles")
        ),
        "deepsf_environment": _as_it_is(bundles.environment_bundle(venv, venv.parent / "bundles")),
    }
    for branches in jobs:
        _shipment(branches, snapshot, shipments)
    # one archive a job: the submit file is one for all of them
    archive = shipments / "shipment$(law_job_postfix).tar"
    config.custom_content.append(("transfer_input_files", f"$(transfer_input_files),{archive}"))
    config.output_files["outputs.tar"] = "outputs.tar"
    # HTCondor keeps what an evicted job packed, and gives it to the job's next attempt
    config.custom_content.append(("when_to_transfer_output", "ON_EXIT_OR_EVICT"))


def job_starter() -> Any:
    """Return the script that starts a job, and packs its checkpoint when it is evicted."""
    path = Path(__file__).with_name("evictable.sh")
    return law.JobInputFile(str(path), copy=True, render_local=True, increment=True)


def _as_it_is(path: Path) -> Any:
    return law.JobInputFile(str(path), copy=False, render_job=False)


def _shipment(branches: Sequence[Branch], snapshot: Path, folder: Path) -> None:
    """Write the archive of one job; jobs that read the same files share one, by hard links."""
    members: dict[str, Path] = {}
    external: dict[str, str] = {}
    identities: dict[str, str | None] = {}
    files: dict[str, str | None] = {}
    for task in branches:
        for target in task.upstream():
            name = str(target.file.relative_to(settings.data()))
            files[name] = target.content()
            members |= {
                name: target.file,
                str(Path(name).with_name(manifest_path(target.file).name)): manifest_path(target.file),
            }
        for file in task.external_files():
            if isinstance(file, str):  # read from its server by the job too
                identities[file] = task.own_inputs()[f"file:{file}"]
                continue
            name = settings.name_of(file)
            if name.partition("/")[0] not in bundles.REPOSITORY and name not in external:
                external[name] = f".external/{len(external)}_{file.name}"
                members[external[name]] = file
        members |= {
            str(path.relative_to(settings.data())): path for path in task.kept_between_attempts() if path.is_file()
        }
    members[str(snapshot.relative_to(settings.data()))] = snapshot
    given = json.dumps(
        {"files": files, "external": external, "identities": identities}, sort_keys=True, allow_nan=False
    )
    state = {name: [path.stat().st_size, path.stat().st_mtime_ns] for name, path in members.items()}
    shared = folder / f"content-{digest([given, state])}.tar"
    folder.mkdir(parents=True, exist_ok=True)
    if not shared.exists():
        part = shared.with_name(f".part-{shared.name}")
        with tarfile.open(part, "w") as archive:
            for name, path in sorted(members.items()):
                archive.add(path, name)
            _add_text(archive, settings.SHIPPED, given)
        part.replace(shared)
    shipment = folder / f"shipment{branches_text(task.branch for task in branches)}.tar"
    shipment.unlink(missing_ok=True)
    os.link(shared, shipment)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    archive.addfile(member, io.BytesIO(text.encode()))


def receive(folder: Path) -> None:
    """Move what jobs returned to its places below a workflow's folder of outputs.

    An archive that is still being written is left for the next time.
    """
    for archive in sorted((folder / "htcondor").glob("outputs_*.tar")):
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".received-") as name:
            unpacked = Path(name)
            if not _unpack(archive, unpacked):
                continue
            for path in _whole(unpacked / folder.relative_to(settings.data())):
                _move(path, settings.data() / path.relative_to(unpacked))
        archive.unlink()


def remove_shipments(folder: Path) -> None:
    """Remove all shipments of a workflow whose jobs have ended; ``folder`` is that of its outputs."""
    shutil.rmtree(folder / "htcondor" / _FOLDER, ignore_errors=True)


def _unpack(archive: Path, folder: Path) -> bool:
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError):
        return False
    return (folder / COMPLETE).exists()


def _whole(folder: Path) -> Iterator[Path]:
    """Yield outputs that are what their manifests say, and files that have none; manifests after their files."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    manifests = {manifest_path(path): path for path in files}
    for path in files:
        if path in manifests:
            continue
        manifest = manifest_path(path)
        if manifest.exists() and content_of(path) is None:
            continue
        yield path
        if manifest.exists():
            yield manifest


def _move(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    path.replace(place)
