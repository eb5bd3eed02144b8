"""What sites differ in: nodes that see nothing of the user's files, and credentials."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.drills

AUTHORITY = """[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def proxy(folder: Path, starts: timedelta, ends: timedelta) -> Path:
    """Write a credential as a user has it, certificate and key in one file, valid between two times from now."""
    folder.mkdir()
    config, key, request = folder / "ca.cnf", folder / "key.pem", folder / "request.pem"
    config.write_text(AUTHORITY.format(folder=folder))
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    times = [(datetime.now(UTC) + shift).strftime("%Y%m%d%H%M%SZ") for shift in (starts, ends)]

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=drill", "-keyout", key, "-out", request)
    signed = ("-keyfile", key, "-in", request, "-out", folder / "certificate.pem", "-notext")
    openssl("ca", "-batch", "-selfsign", "-config", config, "-startdate", times[0], "-enddate", times[1], *signed)
    place = folder / "proxy.pem"
    place.write_text((folder / "certificate.pem").read_text() + key.read_text())
    place.chmod(0o600)
    return place


def test_expired_credential(drill):
    hour = timedelta(hours=1)
    expired = proxy(drill.folder / "expired", -48 * hour, -24 * hour)
    drill.configure(htcondor={"credential": {"kind": "proxy", "file": str(expired)}})
    driver = drill.start("--retries", "0")
    assert driver.wait() != 0
    day = (datetime.now(UTC) - 24 * hour).strftime("%Y-%m-%d")
    (reason,) = {line.strip() for line in driver.terminal.splitlines() if str(expired) in line and day in line}
    assert re.search("expired|ended|ran out", reason), reason
    assert drill.trainings() == {}
    assert drill.pool.queue() == {}

    valid = proxy(drill.folder / "valid", -hour, 48 * hour)
    drill.configure(htcondor={"credential": {"kind": "proxy", "file": str(valid)}})
    drill.run()
    assert drill.trainings() == {0: 1, 1: 1}
    # each job had a copy of it
    assert [line["credential"] for line in drill.record()] == [valid.read_text()] * 2
    drill.assert_as_undisturbed()


@pytest.fixture
def apart(drill):
    """Return a drill whose jobs see none of the user's folders; nor do they see faults or the record of trainings."""
    hidden = (drill.checkout, drill.data, Path(drill.pool.env["DEEPSF_SOFTWARE"]) / "venv")
    (drill.pool.orders / "hidden").write_text(" ".join(map(str, hidden)))
    drill.configure(htcondor={"file_transfer": True})
    return drill


def ended(drill):
    """Return number of starts and exit code of the drill's jobs, by the branches that they worked for."""
    ads = ("DeepSFBranches", "NumJobStarts", "ExitCode", "Iwd")
    lines = [line.split() for line in drill.pool.ask("condor_history", "-af", *ads)]
    return {line[0]: (int(line[1]), int(line[2])) for line in lines if line[3].startswith(str(drill.data))}


def test_file_transfer(apart):
    driver = apart.run()
    assert ended(apart) == {"_0": (1, 0), "_1": (1, 0)}
    assert apart.trainings() == {}, "a job saw the data folder"
    assert "fail" not in driver.terminal.replace("0 failed", "")
    apart.assert_as_undisturbed()


def test_file_transfer_evicted(apart):
    """A job of two members: evicted while the second one is trained, and once more while it lays out its input."""
    apart.configure(3, htcondor={"file_transfer": True}, training={"passes": 30})
    driver = apart.start("--tasks-per-job", "2")
    execute = Path(apart.pool.env["HTCONDOR_POOL"]) / "execute"

    def started():
        ads = ("DeepSFBranches", "NumJobStarts", "ClusterId", "ProcId")
        lines = (line.split() for line in apart.pool.ask("condor_q", "-constraint", "JobStatus == 2", "-af", *ads))
        return {int(starts): f"{cluster}.{process}" for which, starts, cluster, process in lines if which == "_0-1"}

    pattern = "dir_*/job_*/deepsf/data/v1/tiny/TrainDeepSF/.checkpoint_1.safetensors"
    (state,) = apart.wait("a checkpoint of the second member", lambda: list(execute.glob(pattern)), 240)
    first = state.stat().st_mtime
    apart.wait("one after some steps", lambda: state.stat().st_mtime > first + 1.0)
    job = started()[1]
    apart.pool.ask("condor_vacate_job", job)
    apart.wait("its next attempt", lambda: 2 in started(), 300)  # the folder of the first one is removed before
    (packed,) = execute.glob("dir_*/outputs_0-1.tar")
    apart.wait("its input", lambda: list(packed.parent.glob("job_*/deepsf")), 300)
    assert list(packed.parent.glob("job_*/deepsf/data/.laid_out")) == []
    apart.pool.ask("condor_vacate_job", job)
    assert driver.wait(600) == 0, driver.terminal[-4000:]

    assert ended(apart) == {"_0-1": (3, 0), "_2": (1, 0)}
    assert "fail" not in driver.terminal.replace("0 failed", "")
    (log,) = (apart.outputs / "TrainDeepSF" / "htcondor").glob("submission*_0-1.txt")
    text = log.read_text()
    assert text.count("evicted, packing") == 2, text
    continued = re.search(r"member 1: continues at step (\d+) of (\d+)", text)
    assert continued is not None, text
    assert 1 < int(continued[1]) < int(continued[2])
    assert "member 0: continues" not in text
    apart.assert_as_undisturbed()
