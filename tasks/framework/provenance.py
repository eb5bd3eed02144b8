"""What an output was made from: digests of contents, manifests beside outputs, differences in words.

Nothing here knows law. Beside each output lies a manifest, ``.<name>.manifest.json``. It holds the inputs that the
output was made from, a digest of its content, and what the file system says of it, which shows a later change.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import Any

REPORTED_ON = {"commit", "cpu", "cores"}
"""Keys of a report that say on which machine it was made; they are no part of its content."""

CHECKSUMMED = {".parquet", ".safetensors"}
"""Formats that `deepsf` writes with checksums and verifies when it reads them.

ROOT is not one of them: baskets that do not shrink, such as the sum of weights, are stored as they are.
"""

_CHUNK = 1 << 22
_verified: ContextVar[dict[Path, str | None] | None] = ContextVar("verified", default=None)
_parsed: dict[Path, tuple[tuple[int, int, int], dict[str, Any]]] = {}


def canonical(value: Any) -> str:
    """Return JSON text that is equal for equal values: sorted keys, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return a short digest of a JSON value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:24]


def content_digest(path: Path) -> str:
    """Return a digest of a file's content: of its branch arrays for a ROOT file, of its bytes for all others.

    Two ROOT files with the same content differ in bytes: they hold dates and identifiers. In JSON reports, commit and
    machine do not count.
    """
    if path.suffix == ".root":
        return _root_digest(path)
    return _report_digest(path) if path.suffix == ".json" else _byte_digest(path)


def _report_digest(path: Path) -> str:
    content = json.loads(path.read_bytes())
    if not (isinstance(content, dict) and content.keys() >= REPORTED_ON):
        return _byte_digest(path)
    return digest({key: value for key, value in content.items() if key not in REPORTED_ON})


def _byte_digest(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()[:24]


def _root_digest(path: Path) -> str:
    import awkward as ak
    import numpy as np
    import uproot

    hashed = hashlib.sha256()
    with uproot.open(path) as file:
        for name in sorted(file.keys(recursive=False, cycle=False)):
            tree = file[name]
            if not hasattr(tree, "iterate"):
                continue
            hashed.update(f"{name} {tree.num_entries}".encode())
            branches: dict[str, Any] = {b: hashlib.sha256() for b in sorted(tree.keys())}
            for chunk in tree.iterate(step_size=100_000, how=dict):
                for branch, values in chunk.items():
                    form, _, buffers = ak.to_buffers(ak.to_packed(values))
                    branches[branch].update(form.type.__str__().encode())
                    for key in sorted(buffers):
                        branches[branch].update(np.ascontiguousarray(buffers[key]).data)
            for branch, partial in branches.items():
                hashed.update(f"{branch} {partial.hexdigest()}".encode())
    return hashed.hexdigest()[:24]


def manifest_path(path: Path) -> Path:
    """Return where the manifest of an output lies."""
    return path.with_name(f".{path.name}.manifest.json")


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return the manifest of an output, None if there is none that can be used; parsed once per change on disk."""
    place = manifest_path(path)
    try:
        status = place.stat()
        tag = (status.st_mtime_ns, status.st_size, status.st_ino)
        if _parsed.get(place, (None,))[0] != tag:
            _parsed[place] = (tag, json.loads(place.read_text()))
    except (OSError, ValueError):
        return None
    manifest = _parsed[place][1]
    return manifest if _is_manifest(manifest) else None


def why_no_manifest(path: Path) -> str:
    """Return in words why `read_manifest` has none for an output."""
    place = manifest_path(path)
    if not place.is_file():
        return "no manifest"
    try:
        json.loads(place.read_text())
    except OSError as error:
        return f"its manifest cannot be read ({error.strerror})"
    except ValueError:
        return "its manifest is damaged"
    return "its manifest has another form"


def _is_manifest(value: Any) -> bool:
    types = {"task": str, "inputs": dict, "content": str, "size": int, "mtime_ns": int}
    return isinstance(value, dict) and all(isinstance(value.get(key), kind) for key, kind in types.items())


def write_manifest(
    path: Path, task: str, inputs: Mapping[str, Any], remarks: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Seal an output: write beside it that it was made from ``inputs``, and what the task remarks."""
    made = {"task": task, "inputs": inputs, "content": content_digest(path)}
    copy_manifest({**remarks, **made}, path)


def copy_manifest(manifest: Mapping[str, Any], path: Path) -> None:
    """Seal a file with the manifest of another file of the same content."""
    # reading all branches of a ROOT file takes ten times as long as reading its bytes
    of_bytes = {"bytes": _byte_digest(path)} if path.suffix == ".root" else {}
    write_json(manifest_path(path), {**manifest, **_status(path), **of_bytes})


def inputs_key(task: str, name: str, inputs: Mapping[str, Any]) -> str:
    """Return a digest of what an output was made from; it is equal where `differences` finds none."""
    made_of = {key: value if _is_content(key) else _set(value) for key, value in inputs.items()}
    return digest([task, name, {key: value for key, value in made_of.items() if value is not None or _is_content(key)}])


def _is_content(key: str) -> bool:
    # the content of an output or of an external file; None is a value here: absent
    return key.startswith(("input:", "file:"))


def _set(value: Any) -> Any:
    """Leave out keys that are None: the default of keys that were added to the schema later."""
    if not isinstance(value, dict):
        return value
    return {key: _set(item) for key, item in value.items() if item is not None}


@contextmanager
def verifying() -> Iterator[None]:
    """Digest each file once in this context, whatever the file system says: of a flipped bit it knows nothing."""
    token = _verified.set({})
    try:
        yield
    finally:
        _verified.reset(token)


def content_of(path: Path) -> str | None:
    """Return the digest of an output's content, None without a manifest or where the file was changed after sealing.

    The file system's record of the file (`_status`) shows whether it is still the sealed one. If only times or the
    inode differ, the content is digested again, and the manifest gets the new ones.
    """
    verified = _verified.get()
    if verified is None:
        return _sealed_content(path, verify=False)
    if path not in verified:
        verified[path] = _sealed_content(path, verify=True)
    return verified[path]


def _sealed_content(path: Path, *, verify: bool) -> str | None:
    manifest = read_manifest(path)
    if manifest is None:
        return None
    try:
        now = _status(path)
    except OSError:
        return None
    if manifest["size"] != now["size"] or now["size"] == 0:
        return None
    known = _is_known(manifest, now)
    if verify or not known:
        try:
            same = content_digest(path) == manifest["content"]
        except Exception:  # no longer readable as what it was: many libraries, many types of error
            same = False
        if not same:
            return None
    if not known:
        copy_manifest(manifest, path)
    return str(manifest["content"])


def require_sound(path: Path) -> None:
    """Digest an output before it is read, unless its format has checksums that its reader verifies.

    Raises
    ------
    ValueError
        If its content is not what its manifest says.
    """
    if path.suffix in CHECKSUMMED or not path.is_file():
        return
    manifest = read_manifest(path) or {}
    if "bytes" in manifest and _is_known(manifest, _status(path)):
        is_sound = _byte_digest(path) == manifest["bytes"]
    else:
        is_sound = _sealed_content(path, verify=True) is not None
    if not is_sound:
        raise ValueError(
            f"{path}: its content is not what was written, though size and time are; it was damaged: remove it, and "
            "the same command makes it anew"
        )


def file_digest(path: Path, cache: Path) -> str:
    """Return the digest of a file that no task made, kept in ``cache`` until the file system says that it changed."""
    verified = _verified.get()
    now = _status(path)
    place = cache / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]}.json"
    try:
        known = json.loads(place.read_text())
    except (OSError, ValueError):
        known = {}
    is_trusted = "digest" in known and _is_known(known, now)
    if is_trusted and verified is not None and path not in verified:
        is_trusted = verified.setdefault(path, _byte_digest(path)) == known["digest"]
    if not is_trusted:
        known = {**now, "digest": _byte_digest(path)}
        write_json(place, known, durable=False)
    return str(known["digest"])


def differences(before: Mapping[str, Any], now: Mapping[str, Any], shown: int = 3) -> str:
    """Return in words what differs between the inputs in a manifest and the present ones; empty if nothing does."""
    words: list[str] = []
    files: dict[tuple[str, str], list[str]] = {}
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        kind, _, name = key.partition(":")
        if _is_content(key):
            if old != new or (key in before) != (key in now):
                change = _input_change(key in before, key in now, new)
                files.setdefault((name.rpartition("/")[0] or ".", change), []).append(name)
        elif old != new:
            words += _value_differences(name or kind, old, new)
    words += [_file_words(folder, change, names) for (folder, change), names in files.items()]
    more = f"; and {len(words) - shown} more" if len(words) > shown else ""
    return "; ".join(words[:shown]) + more


def _input_change(was: bool, now: bool, digest_now: Any) -> str:
    if now and digest_now is None:
        return "is absent or stale"
    return "changed" if was and now else ("is new" if now else "is no longer used")


def _file_words(folder: str, change: str, names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} {change}"
    return f"{len(names)} files in {folder} {change.replace('is ', 'are ', 1)}"


def _value_differences(name: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted({*old, *new})
        return [
            w
            for k in keys
            if old.get(k) != new.get(k)
            for w in _value_differences(f"{name}.{k}", old.get(k), new.get(k))
        ]
    return [f"{name}: {_shown(old)} -> {_shown(new)}"]


def _shown(value: Any) -> str:
    text = canonical(value) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _status(path: Path) -> dict[str, int]:
    """Return what shows a change: the modification time can be set, the time of the inode's change cannot."""
    status = path.stat()
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "inode": status.st_ino,
    }


def _is_known(record: Mapping[str, Any], now: Mapping[str, int]) -> bool:
    """Return whether a record has this status; records from before have only size and modification time."""
    return all(record.get(key, value) == value for key, value in now.items())


@contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Add folder and way out to the error of a full disk: the system names neither."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or error.filename is not None:
            raise
        message = f"{os.strerror(error.errno)}; free space there, or set DEEPSF_DATA to a folder on a larger disk"
        raise OSError(error.errno, message, str(folder)) from error


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk, so that a crash does not undo the first of two renames alone."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot
            raise
    finally:
        os.close(handle)


def write_json(path: Path, value: Any, *, sort_keys: bool = True, durable: bool = True) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never a part.

    ``durable``: after a power cut too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name.lstrip('.')}.part-")
    try:
        with full_disk_named(path.parent), os.fdopen(handle, "w") as stream:
            json.dump(value, stream, sort_keys=sort_keys, indent=1, allow_nan=False)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        if durable:
            sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
