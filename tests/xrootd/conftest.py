"""Real XRootD servers, which give the same files over root:// and http://, for the tests of this folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).parents[2]
SOFTWARE = Path(os.environ.get("DEEPSF_SOFTWARE") or ROOT / ".software")
INSTALL_SECONDS = 300
START_SECONDS = 30
CONFIG = """
xrd.network nodnr
xrd.allow host 127.0.0.1
xrd.allow host localhost
oss.localroot {store}
all.export /store r/o nostage
all.adminpath {folder}/admin
all.pidpath {folder}/run
"""
HTTP = "xrd.protocol http:{port} libXrdHttp.so\n"
# a redirector learns which files there are by its cmsd, from the cmsd beside each server
REDIRECTED = """
all.manager localhost:{port}
cms.delay startup 1 servers 1 lookup 1 qdl 1 full 1
cms.allow host *
"""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Daemon:
    """A program of XRootD, which is stopped, killed and started again at the same port."""

    def __init__(self, prefix: Path, program: str, folder: Path, port: int | None, config: str) -> None:
        self.folder, self.port = folder, port
        place = folder / f"{program}.cfg"
        place.write_text(f"{config}\nxrd.port {port or 'any'}\n")
        self._command: list[str | Path] = [prefix / "bin" / program, "-c", place, "-l", folder / "log", "-n", "site"]
        if os.getuid() == 0:  # it refuses to run as root; the files are still its own
            self._command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *self._command]
        self._env = {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")}
        self.start()

    def start(self) -> None:
        """Start the program and, if its port is known, wait until it listens."""
        with (self.folder / "out").open("a") as out:
            self._process = subprocess.Popen(self._command, env=self._env, stdout=out, stderr=out)
        deadline = time.monotonic() + START_SECONDS
        while self.port is not None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                unavailable(f"it does not start: {(self.folder / 'out').read_text()[-500:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without a last word."""
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Let it keep its connections, and answer no more."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._process.send_signal(signal.SIGCONT)


class Server(Daemon):
    """A server of files."""

    def __init__(self, prefix: Path, folder: Path, config: str) -> None:
        self.http_port = free_port()
        super().__init__(prefix, "xrootd", folder, free_port(), config + HTTP.format(port=self.http_port))

    def address(self, protocol: str, name: str) -> str:
        """Return the address of a file, or of a pattern."""
        port = self.port if protocol == "root" else self.http_port
        return f"{protocol}://127.0.0.1:{port}{'//' if protocol == 'root' else '/'}store/{name}"

    @property
    def redirector(self) -> str:
        """The address of the server without a file."""
        return f"root://127.0.0.1:{self.port}"


D = TypeVar("D", bound=Daemon)


class XRootD:
    """Servers, which end with the tests; ``store`` is the folder of their files."""

    def __init__(self, prefix: Path, folder: Path) -> None:
        self._prefix, self._folder = prefix, folder
        self._daemons: list[Daemon] = []
        self.store = folder / "files" / "store"
        self.store.mkdir(parents=True)

    def server(self) -> Server:
        """Start a server."""
        folder = self._new_folder()
        return self._started(Server(self._prefix, folder, self._config(folder) + "all.role server\n"))

    def redirector(self) -> str:
        """Start a redirector and a server behind it, and return the address of the former."""
        port = free_port()
        sites = []
        for role, cmsd_port in (("manager", port), ("server", None)):
            folder = self._new_folder()
            config = f"{self._config(folder)}{REDIRECTED.format(port=port)}all.role {role}\n"
            self._started(Daemon(self._prefix, "cmsd", folder, cmsd_port, config))
            sites.append(self._started(Server(self._prefix, folder, config)))
        return sites[0].redirector

    def end(self) -> None:
        """Kill all servers."""
        for daemon in self._daemons:
            daemon.kill()

    def _config(self, folder: Path) -> str:
        return CONFIG.format(folder=folder, store=self.store.parent)

    def _started(self, daemon: D) -> D:
        self._daemons.append(daemon)
        return daemon

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


def unavailable(reason: str) -> None:
    """Skip the test, or fail where servers are required."""
    if os.environ.get("DEEPSF_REQUIRE_XROOTD") == "1":
        pytest.fail(f"DEEPSF_REQUIRE_XROOTD=1, but there is no server: {reason}")
    pytest.skip(f"no XRootD server: {reason}")


@pytest.fixture(scope="session")
def xrootd() -> Iterator[XRootD]:
    """Return servers, whose programs are installed once below DEEPSF_SOFTWARE.

    Where there can be none, tests are skipped with the reason, or fail if DEEPSF_REQUIRE_XROOTD=1.
    """
    SOFTWARE.mkdir(parents=True, exist_ok=True)
    prefix = SOFTWARE / "xrootd"
    with (SOFTWARE / ".xrootd.lock").open("w") as lock:  # two test runs at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        install = [Path(__file__).with_name("install.sh"), prefix]
        done = subprocess.run(install, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        unavailable(done.stderr.strip() or done.stdout.strip())
    folder = Path(tempfile.mkdtemp(prefix="deepsf-xrootd-"))  # not pytest's: sockets need a short path
    servers = XRootD(prefix, folder)
    try:
        yield servers
    finally:
        servers.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stored(xrootd: XRootD) -> Callable[[Path], str]:
    """Return a function that puts a file where servers have it, under a name of its own."""

    def put(path: Path) -> str:
        name = f"{time.monotonic_ns()}_{path.name}"
        shutil.copy(path, xrootd.store / name)
        return name

    return put
