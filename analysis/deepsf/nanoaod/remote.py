"""Addresses of files on servers, ``root://`` and ``http(s)://``, opened such that nothing waits for ever.

Each request ends within `TIMEOUT_S`, so that a dead server is found out soon; `deepsf.nanoaod.attempts` asks again.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

SCHEMES = ("root", "http", "https")
TIMEOUT_S = 12
ANY_SERVER = "root://"
"""What the address of a file begins with whose server is one of ``campaign.redirectors``: ``root:///store/x.root``."""

_XROOTD = {
    "ConnectionWindow": 5,
    "ConnectionRetry": 2,
    "StreamErrorWindow": 1,  # after an error the client refuses the server for this long, half an hour by default
    "StreamTimeout": TIMEOUT_S,
    "RequestTimeout": TIMEOUT_S,
    "TimeoutResolution": 1,
}
"""Settings of the XRootD client [s]; where the environment has ``XRD_...``, that one counts."""


def is_url(location: str) -> bool:
    """Return whether a file is on a server."""
    scheme, mark, _ = location.partition("://")
    return bool(mark) and scheme in SCHEMES


def server_of(url: str) -> str:
    """Return the part of an address that names the server."""
    return urlsplit(url).netloc


def places(location: str, redirectors: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the addresses to ask for a file, in this order.

    Parameters
    ----------
    location
        An address; one without a server is of a file that any redirector finds.
    redirectors
        Addresses of servers, ``root://host[:port]``, that are asked for ``root://`` files after their own server.
    """
    scheme, server, path, query, _ = urlsplit(location)
    if scheme != "root":
        return (location,)
    name = f"//{path.lstrip('/')}{f'?{query}' if query else ''}"
    of_redirectors = [f"{redirector.rstrip('/')}{name}" for redirector in redirectors]
    return tuple(dict.fromkeys([location, *of_redirectors] if server else of_redirectors))


def open_options(url: str) -> dict[str, Any]:
    """Return the options of fsspec with which an address is opened."""
    if url.startswith("root:"):
        _prepare_xrootd()
        return {"timeout": TIMEOUT_S}
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=TIMEOUT_S)
    return {"client_kwargs": {"timeout": timeout}}


def let_go(url: str) -> None:
    """Close what fsspec keeps open of an address: after an error it would be used again, and fail again.

    Nobody waits for it, since a server that hangs does not answer this request either.
    """
    if url.startswith("root:"):
        threading.Thread(target=_close, args=(url,), daemon=True).start()


def _close(url: str) -> None:
    import fsspec

    with suppress(Exception):  # of a connection that is gone
        system, path = fsspec.core.url_to_fs(url, **open_options(url))
        system.invalidate_cache(path)


@functools.cache
def _prepare_xrootd() -> None:
    """Set up the client, once a process, before it connects."""
    from XRootD import client

    for name, seconds in _XROOTD.items():
        client.EnvPutInt(name, seconds)
    # The client stops its threads before a fork, and waits for them while Python holds its lock. A thread that is about
    # to leave Python code would wait for that lock, so let them leave first.
    os.register_at_fork(before=lambda: time.sleep(0.02))
