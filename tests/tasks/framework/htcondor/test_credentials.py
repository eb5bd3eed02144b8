"""Credentials are refused before submission; the message says which, when it expires, and the way out."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deepsf.config.htcondor import Credential
from tasks.framework.htcondor.credentials import CredentialError, credential_file, require_credential, ticket_end

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that expires in two days, with its key, as in a proxy file."""
    folder = tmp_path_factory.mktemp("proxy")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    command += ["-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "proxy").write_text((folder / "cert").read_text() + (folder / "key").read_text())
    return folder / "proxy"


@needs_openssl
def test_a_proxy_that_lives_long_enough_is_accepted_with_its_end(proxy: Path) -> None:
    end = require_credential(Credential(kind="proxy", file=str(proxy), hours_min=24))
    assert timedelta(hours=47) < end - datetime.now(UTC) < timedelta(hours=49)


@needs_openssl
def test_an_expired_proxy_is_refused_with_file_time_and_way_out(proxy: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=3)
    with pytest.raises(CredentialError, match=rf"proxy {proxy} expired at \d{{4}}-\d\d-\d\d .*voms-proxy-init"):
        require_credential(Credential(kind="proxy", file=str(proxy)), now=later)


@needs_openssl
def test_a_proxy_that_expires_too_soon_is_refused_with_both_numbers(proxy: Path) -> None:
    with pytest.raises(CredentialError, match=r"in 4[78]\.\d hours; jobs need hours_min = 96"):
        require_credential(Credential(kind="proxy", file=str(proxy), hours_min=96))


def test_a_missing_proxy_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="x509 does not exist"):
        require_credential(Credential(kind="proxy", file=str(tmp_path / "x509")))


@needs_openssl
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "x509").write_text("nothing")
    with pytest.raises(CredentialError, match="x509 cannot be read: "):
        require_credential(Credential(kind="proxy", file=str(tmp_path / "x509")))


def test_the_proxy_is_found_where_grid_tools_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X509_USER_PROXY", "/elsewhere/proxy")
    assert credential_file(Credential(kind="proxy")) == Path("/elsewhere/proxy")
    monkeypatch.delenv("X509_USER_PROXY")
    assert credential_file(Credential(kind="proxy")).name.startswith("x509up_u")
    assert credential_file(Credential(kind="kerberos")) is None


KLIST = """\
Ticket cache: FILE:/tmp/krb5cc_1000
Default principal: someone@CERN.CH

Valid starting       Expires              Service principal
{start}  {end}  krbtgt/CERN.CH@CERN.CH
	renew until 11/29/26 09:00:00
"""


@pytest.mark.parametrize("year", ["26", "2026"])
def test_the_end_of_a_kerberos_ticket_is_read_in_both_forms_of_the_year(year: str) -> None:
    text = KLIST.format(start=f"11/24/{year} 09:00:00", end=f"11/25/{year} 10:30:00")
    assert ticket_end(text, "ticket") == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)


def test_a_cache_without_a_ticket_is_named() -> None:
    with pytest.raises(CredentialError, match="ticket has no krbtgt entry; get one with kinit"):
        ticket_end("klist: empty", "ticket")
