"""Which files the samples of a configuration have: patterns, folders, lists and addresses become files.

An entry of ``files`` is one of

- a path or a glob pattern; a folder stands for all ``*.root`` below it, sorted, and a ``.txt`` file for its lines, each
  such an entry, with ``#`` before comments;
- an address ``root://server//path`` or ``http(s)://...``; one of ``root://`` may be a pattern, or a folder if it ends
  in ``/``;
- with ``campaign.redirectors``, a name ``/store/...``, which becomes ``root:///store/...``: of any of these servers.

A file is named by its path, or by its address. In batch jobs they are those that were found at the submission.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from deepsf.config import Config, ConfigError, EfficiencyConfig
from deepsf.nanoaod.remote import ANY_SERVER, SCHEMES, is_url, server_of
from tasks.framework import remote_files, settings

LIST_SUFFIX = ".txt"

_found: dict[str, tuple[Config, dict[str, tuple[str, ...]]]] = {}
_found_events: dict[str, tuple[Config | EfficiencyConfig, dict[str, tuple[Path, ...]]]] = {}


def sample_files(config: str) -> dict[str, tuple[str, ...]]:
    """Return by sample the paths and addresses of its files, in order; found once a process.

    Raises
    ------
    ConfigError
        With all entries of all samples that match nothing or twice, or that are not understood.
    deepsf.nanoaod.root_file.UnreachableError
        If a server does not list the files of a pattern.
    """
    given = settings.snapshot()
    if given is not None:
        return {
            sample: tuple(name if is_url(name) else str(settings.base() / name) for name in names)
            for sample, names in given.files.items()
        }
    campaign = settings.config(config)
    assert isinstance(campaign, Config)
    if _found.get(config, (None,))[0] is not campaign:
        problems: list[str] = []
        files = {}
        for sample, section in campaign.samples.items():
            found = _Finder(campaign.campaign.redirectors)
            files[sample] = tuple(found.files(section.files))
            problems += [f"samples.{sample}.files: {problem}" for problem in (*found.problems, *_twice(files[sample]))]
        if problems:
            raise ConfigError("\n".join(problems))
        _found[config] = (campaign, files)
    return _found[config][1]


def event_files(config: str) -> dict[str, tuple[Path, ...]]:
    """Return by sample the files of ``efficiency.events``, in order; found once a process.

    Raises
    ------
    ConfigError
        With all entries of all samples that match nothing, are matched twice, or are addresses.
    """
    given = settings.snapshot()
    if given is not None:
        return {sample: tuple(settings.base() / name for name in names) for sample, names in given.files.items()}
    campaign = settings.config(config)
    if _found_events.get(config, (None,))[0] is not campaign:
        events = campaign.efficiency.events if campaign.efficiency is not None else None
        entries = {} if events is None else {"train": events.train, "test": events.test, **events.transfer}
        problems: list[str] = []
        files = {}
        for sample, of_sample in entries.items():
            where = f"efficiency.events.{'transfer.' if sample not in ('train', 'test') else ''}{sample}"
            found = _Finder(())
            files[sample] = tuple(map(Path, found.files(of_sample)))
            urls = [str(entry) for entry in of_sample if "://" in entry]
            problems += [f"{where}: {problem}" for problem in found.problems]
            problems += [f"{where}: {url} is an address; copy the file to a disk" for url in urls]
        problems += [f"efficiency.events: {twice}" for twice in _twice([str(f) for of in files.values() for f in of])]
        if problems:
            raise ConfigError("\n".join(problems))
        _found_events[config] = (campaign, files)
    return _found_events[config][1]


def files_of(entries: Iterable[str]) -> list[str]:
    """Return the paths and addresses of the files of some entries.

    Raises
    ------
    ConfigError
        With all entries that match nothing, or that are not understood.
    """
    finder = _Finder(())
    files = list(finder.files(entries))
    if finder.problems:
        raise ConfigError("\n".join(finder.problems))
    return list(dict.fromkeys(files))


def names_for_jobs(config: str) -> dict[str, list[str]]:
    """Return the same with paths as the repository of a job has them, for `settings.Snapshot`."""
    if not isinstance(settings.config(config), Config):
        return {sample: [settings.name_of(file) for file in files] for sample, files in event_files(config).items()}
    return {
        sample: [file if is_url(file) else settings.name_of(Path(file)) for file in files]
        for sample, files in sample_files(config).items()
    }


class _Entry(NamedTuple):
    """An entry of ``files``: as it is written, and the lists that it stands in, the innermost first."""

    text: str
    lists: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return " in ".join([repr(self.text), *map(str, self.lists)])


class _Finder:
    """Finds the files of a sample, and collects what is wrong with its entries."""

    def __init__(self, redirectors: Sequence[str]) -> None:
        self.redirectors = redirectors
        self.problems: list[str] = []

    def files(self, entries: Iterable[str], lists: tuple[Path, ...] = ()) -> Iterator[str]:
        """Yield the files of entries, one entry after the other."""
        for entry in (_Entry(text, lists) for text in entries):
            try:
                yield from self._of_entry(entry)
            except ConfigError as error:
                self.problems.append(str(error))

    def _of_entry(self, entry: _Entry) -> Iterator[str]:
        text = settings.expand(entry.text)
        if text.startswith("/store/") and self.redirectors:
            text = f"{ANY_SERVER}{text}"
        if "://" in text:
            yield from self._of_address(entry, text)
            return
        if text.startswith("root:"):
            raise ConfigError(f"{entry}: an address has two slashes after root: and after the server")
        path = settings.base() / text
        names = [str(path)] if os.path.lexists(path) else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if not names:
            hint = "; set campaign.redirectors if servers have it" if text.startswith("/store/") else ""
            raise ConfigError(f"{entry} matches no file (looked for {path}){hint}")
        for name in names:
            yield from self._of_path(entry, Path(name))

    def _of_path(self, entry: _Entry, path: Path) -> Iterator[str]:
        if path.is_dir():
            below = sorted(glob.glob(os.path.join(glob.escape(str(path)), "**", "*.root"), recursive=True))  # noqa: PTH118, PTH207
            if not below:
                raise ConfigError(f"{entry} matches no file: no *.root below the folder {path}")
            yield from below
        elif path.suffix == LIST_SUFFIX:
            if path in entry.lists:
                raise ConfigError(f"{entry}: the list names itself")
            yield from self.files(_lines(path, entry), (path, *entry.lists))
        else:
            yield str(path)

    def _of_address(self, entry: _Entry, address: str) -> Iterator[str]:
        _require_known(entry, address, self.redirectors)
        is_pattern = address.startswith("root:") and any(mark in address for mark in "*[")
        if address.endswith("/"):
            address, is_pattern = f"{address}**/*.root", True
        if not is_pattern:
            yield address
            return
        found = remote_files.matching(address, self.redirectors)
        if not found:
            raise ConfigError(f"{entry} matches no file (asked for {address})")
        yield from found


def _require_known(entry: _Entry, address: str, redirectors: Sequence[str]) -> None:
    """Refuse addresses that no server answers."""
    scheme, _, rest = address.partition("://")
    if scheme not in SCHEMES:
        raise ConfigError(f"{entry}: {scheme}:// is not read; take root://, http://, https:// or a path")
    if address.endswith(LIST_SUFFIX):
        raise ConfigError(f"{entry}: lists are read from disks only; copy it to one")
    if scheme != "root":
        if any(mark in rest for mark in "*[") or rest.endswith("/"):
            raise ConfigError(f"{entry}: {scheme}:// servers list no files; name each, or take root://")
    elif server_of(address):
        if "//" not in rest:
            raise ConfigError(f"{entry}: two slashes come after the server, as in root://{rest.replace('/', '//', 1)}")
    elif not redirectors:
        raise ConfigError(f"{entry} names no server; name one, or set campaign.redirectors")


def _lines(path: Path, entry: _Entry) -> list[str]:
    """Return the entries of a list, without comments."""
    if not path.is_file():
        raise ConfigError(f"{entry}: {path} is no file")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{entry}: the list cannot be read ({error})") from None
    entries = [text for line in lines if (text := f" {line}".split(" #")[0].strip())]
    if not entries:
        raise ConfigError(f"{entry}: the list {path} names no file")
    return entries


def _twice(files: Iterable[str]) -> Iterator[str]:
    """Yield files that several entries match, by whatever path."""
    seen: dict[str, str] = {}
    for file in files:
        real = file if is_url(file) else os.path.realpath(file)
        if real in seen:
            other = f" (also as {seen[real]})" if seen[real] != file else ""
            yield f"{file}{other} is matched by more than one pattern"
        seen[real] = file
