"""Grid proxies and Kerberos tickets: how long they live, refused before submission if that is too short."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from deepsf.config.htcondor import Credential
from tasks.framework import settings

_RENEW = {"proxy": "voms-proxy-init --valid 96:00", "kerberos": "kinit"}


class CredentialError(RuntimeError):
    """A credential that jobs need is missing, cannot be read, or expires too soon."""


def credential_file(credential: Credential) -> Path | None:
    """Return the file of a credential; None for a ticket in the default cache."""
    if credential.file:
        return settings.resolve(credential.file)
    if credential.kind == "kerberos":
        return None
    # where voms-proxy-init puts it, which no other user can write
    return Path(os.environ.get("X509_USER_PROXY") or f"/tmp/x509up_u{os.getuid()}")  # noqa: S108


def require_credential(credential: Credential, now: datetime | None = None) -> datetime:
    """Return when a credential expires.

    Raises
    ------
    CredentialError
        If it is missing, cannot be read, has expired, or expires before ``hours_min`` from now.
    """
    now = now or datetime.now(UTC)
    path = credential_file(credential)
    name = f"{credential.kind} {path}" if path is not None else f"{credential.kind} ticket of the default cache"
    way_out = f"renew it ({_RENEW[credential.kind]}) and give the same command again"
    if path is not None and not path.is_file():
        raise CredentialError(f"htcondor.credential: {name} does not exist; {way_out}, or correct credential.file")
    expires = _proxy_end(path, name) if credential.kind == "proxy" and path is not None else _ticket_end(path, name)
    left_h = (expires - now).total_seconds() / 3600.0
    if not left_h > 0:
        raise CredentialError(f"htcondor.credential: {name} expired at {expires:%Y-%m-%d %H:%M} UTC; {way_out}")
    if not left_h >= credential.hours_min:
        raise CredentialError(
            f"htcondor.credential: {name} expires at {expires:%Y-%m-%d %H:%M} UTC, in {left_h:.1f} hours; jobs need "
            f"hours_min = {credential.hours_min:g}; {way_out}"
        )
    return expires


def _proxy_end(path: Path, name: str) -> datetime:
    # the first certificate of a proxy file is the proxy itself, which expires before all others
    answer = _answer(["openssl", "x509", "-noout", "-enddate", "-in", str(path)], name)
    end = re.search(r"notAfter=(.+)", answer)
    if end is None:
        raise CredentialError(f"htcondor.credential: {name} holds no certificate")
    return datetime.strptime(" ".join(end[1].split()), "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)


def _ticket_end(path: Path | None, name: str) -> datetime:
    answer = _answer(["klist", *([] if path is None else ["-c", str(path)])], name)
    return ticket_end(answer, name)


def ticket_end(klist: str, name: str) -> datetime:
    """Return when the ticket-granting ticket in the output of ``klist`` (C locale, UTC) expires.

    Raises
    ------
    CredentialError
        If there is none in it.
    """
    line = next((line for line in klist.splitlines() if "krbtgt/" in line), "")
    stamps = re.findall(r"\d\d/\d\d/(?:\d\d){1,2} \d\d:\d\d:\d\d", line)
    if len(stamps) < 2:
        raise CredentialError(f"htcondor.credential: {name} has no krbtgt entry; get one with {_RENEW['kerberos']}")
    form = "%m/%d/%Y %H:%M:%S" if len(stamps[1].split()[0]) == len("01/02/2026") else "%m/%d/%y %H:%M:%S"
    return datetime.strptime(stamps[1], form).replace(tzinfo=UTC)


def _answer(command: list[str], name: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    except FileNotFoundError:
        raise CredentialError(
            f"htcondor.credential: {name} cannot be checked: there is no command {command[0]} here; install it"
        ) from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise CredentialError(f"htcondor.credential: {name} cannot be read: {words[0]}")
    return done.stdout
