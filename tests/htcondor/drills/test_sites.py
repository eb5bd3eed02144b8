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


def test_file_transfer(drill):
    hidden = (drill.checkout, drill.data, Path(drill.pool.env["DEEPSF_SOFTWARE"]) / "venv")
    (drill.pool.orders / "hidden").write_text(" ".join(map(str, hidden)))
    drill.configure(htcondor={"file_transfer": True})
    driver = drill.run()
    # the record of trainings lies in a folder that the jobs cannot see: the pool's own tells how often each ran
    ads = ("NumJobStarts", "ExitCode", "Iwd")
    ended = [line.split() for line in drill.pool.ask("condor_history", "-af", *ads)]
    assert [entry[:2] for entry in ended if entry[2].startswith(str(drill.data))] == [["1", "0"]] * 2
    assert drill.trainings() == {}, "a job saw the data folder"
    assert "fail" not in driver.terminal.replace("0 failed", "")
    drill.assert_as_undisturbed()
