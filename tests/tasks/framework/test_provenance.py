"""Digests, manifests and their words: `tasks.framework.provenance`, which knows neither law nor configurations."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import uproot

from tasks.framework import provenance
from tasks.framework.provenance import (
    canonical,
    content_digest,
    content_of,
    differences,
    digest,
    file_digest,
    inputs_key,
    manifest_path,
    read_manifest,
    require_sound,
    write_json,
    write_manifest,
)


def write_root(path, values=(1.0, 2.0, 3.0), *, counts=(2, 0, 1), name="Events", extra=False):
    """Write a tree with a flat and a jagged branch, in two baskets."""
    import awkward as ak

    flat, jagged = np.asarray(values, "f4"), ak.unflatten(np.arange(sum(counts), dtype="i4"), counts)
    types = {"MET_pt": flat.dtype, "Jet_id": jagged.type.content} | ({"extra": flat.dtype} if extra else {})
    with uproot.recreate(path) as file:
        tree = file.mktree(name, types)
        for part in (slice(0, 2), slice(2, None)):
            tree.extend(
                {"MET_pt": flat[part], "Jet_id": jagged[part]} | ({"extra": flat[part]} if extra else {}),
            )
    return path


def sealed(path, text="content", **inputs):
    path.write_text(text)
    write_manifest(path, "Task", inputs)
    return path


def touched(path):
    """Give the file another modification time, as a copy or a restored backup has."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    return path


# --- digests


def test_equal_values_have_one_digest_whatever_the_order_of_keys():
    one, other = {"b": 1, "a": {"y": 2.5, "x": None}}, {"a": {"x": None, "y": 2.5}, "b": 1}
    assert canonical(one) == canonical(other) == '{"a":{"x":null,"y":2.5},"b":1}'
    assert digest(one) == digest(other)
    assert digest(one) != digest({**one, "b": 2})
    assert digest([1, 2]) != digest([2, 1])


def test_root_files_of_equal_content_agree_though_their_bytes_differ(tmp_path):
    first, second = write_root(tmp_path / "first.root"), write_root(tmp_path / "second.root")
    assert first.read_bytes() != second.read_bytes()
    assert content_digest(first) == content_digest(second)


@pytest.mark.parametrize(
    "change",
    [
        {"values": (1.0, 2.0, 3.0000002)},
        {"counts": (1, 1, 1)},
        {"name": "Other"},
        {"extra": True},
    ],
    ids=["one value", "one boundary between events", "the tree's name", "one more branch"],
)
def test_one_change_in_a_root_file_changes_its_digest(tmp_path, change):
    assert content_digest(write_root(tmp_path / "a.root")) != content_digest(write_root(tmp_path / "b.root", **change))


def test_files_other_than_root_are_digested_by_their_bytes(tmp_path):
    (tmp_path / "a.json").write_text('{"x": 1}')
    (tmp_path / "b.txt").write_text('{"x": 1}')
    (tmp_path / "c.json").write_text('{"x":1}')
    a, b, c = (content_digest(tmp_path / name) for name in ("a.json", "b.txt", "c.json"))
    assert a == b
    assert a != c


def test_commit_and_machine_do_not_count_in_a_report(tmp_path):
    def of(**content):
        (tmp_path / "audit.json").write_text(json.dumps(content))
        return content_digest(tmp_path / "audit.json")

    one = of(commit="a1", cpu="x", cores=2, rms=0.1)
    assert of(commit="b2", cpu="y", cores=64, rms=0.1) == one
    assert of(commit="a1", cpu="x", cores=2, rms=0.2) != one
    assert of(commit="a1", rms=0.1) != of(commit="b2", rms=0.1)  # not a report: all of it counts


# --- a sealed output


def test_a_sealed_file_has_the_digest_of_its_content(tmp_path):
    path = sealed(tmp_path / "out.txt", x=1)
    assert content_of(path) == content_digest(path)
    assert read_manifest(path)["inputs"] == {"x": 1}
    assert manifest_path(path) == tmp_path / ".out.txt.manifest.json"


def test_a_file_without_a_manifest_or_with_a_broken_one_counts_as_unknown(tmp_path):
    path = sealed(tmp_path / "out.txt")
    manifest_path(path).write_text('{"task": "Ta')
    assert read_manifest(path) is None
    assert content_of(path) is None
    manifest_path(path).unlink()
    assert content_of(path) is None


def test_a_removed_file_counts_as_unknown(tmp_path):
    path = sealed(tmp_path / "out.txt")
    path.unlink()
    assert content_of(path) is None


@pytest.mark.parametrize("text", ["longer content", "CONTENT"], ids=["another size", "the same size"])
def test_a_file_changed_after_sealing_is_noticed(tmp_path, text):
    path = sealed(tmp_path / "out.txt", "content")
    path.write_text(text)
    touched(path)
    assert content_of(path) is None


def test_a_file_damaged_beyond_reading_is_noticed(tmp_path):
    report, ntuple = sealed(tmp_path / "out.json", '{"x": 1}'), write_root(tmp_path / "out.root")
    write_manifest(ntuple, "Task", {})
    report.write_text('{"x": 1 ')
    ntuple.write_bytes(bytes(ntuple.stat().st_size))
    assert content_of(touched(report)) is None
    assert content_of(touched(ntuple)) is None


def test_a_touched_but_unchanged_file_still_counts_and_is_not_digested_again(tmp_path, monkeypatch):
    path = sealed(tmp_path / "out.txt", x=1)
    before = content_of(path)
    touched(path)
    assert content_of(path) == before
    manifest = read_manifest(path)
    assert manifest["mtime_ns"] == path.stat().st_mtime_ns
    assert manifest["inputs"] == {"x": 1}
    monkeypatch.setattr(provenance, "content_digest", lambda path: pytest.fail(f"{path} is digested again"))
    assert content_of(path) == before


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path):
    path = sealed(tmp_path / "out.txt", "content")
    before = path.stat()
    path.write_text("CONTENT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert content_of(path) is None


def test_another_file_of_equal_size_and_time_is_seen(tmp_path):
    path, other = sealed(tmp_path / "out.txt", "content"), tmp_path / "other.txt"
    other.write_text("CONTENT")
    shutil.copystat(path, other)
    other.replace(path)
    assert content_of(path) is None


@pytest.fixture
def rotten(tmp_path, monkeypatch):
    """Return a function that seals an output and flips a bit of it such that the file system knows nothing of it."""

    def make(name):
        path = sealed(tmp_path / name, '{"x": 1}')
        status = provenance._status(path)
        monkeypatch.setattr(provenance, "_status", lambda _: status)
        path.write_text('{"x": 3}')
        return path

    return make


def test_a_flipped_bit_is_seen_before_an_output_is_read_and_when_all_are_verified(rotten, monkeypatch):
    path = rotten("out.json")
    assert content_of(path) is not None
    with provenance.verifying():
        assert content_of(path) is None
        monkeypatch.setattr(provenance, "content_digest", lambda path: pytest.fail(f"{path} is digested again"))
        assert content_of(path) is None
    monkeypatch.undo()
    path = rotten("out.json")
    with pytest.raises(ValueError, match="its content is not what was written") as error:
        require_sound(path)
    assert str(error.value) == (
        f"{path}: its content is not what was written, though size and time are; it was damaged: remove it, and the "
        "same command makes it anew"
    )


def test_no_bit_of_a_root_file_can_flip_unseen(tmp_path, monkeypatch):
    # the sum of weights is a basket that no codec shrinks, so that none has a checksum of it
    path = tmp_path / "nano.root"
    with uproot.recreate(path) as file:
        file.mktree("Runs", {"genEventSumw": np.dtype("f8")}).extend({"genEventSumw": np.array([12345.6789])})
    write_manifest(path, "Task", {})
    require_sound(path)
    place = path.read_bytes().index(np.array(12345.6789, ">f8").tobytes())
    status, content = provenance._status(path), bytearray(path.read_bytes())
    content[place + 3] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(provenance, "_status", lambda _: status)  # a bad disk changes no time
    with uproot.open(path) as file:
        assert file["Runs/genEventSumw"].array(library="np")[0] != 12345.6789  # read without a word
    with pytest.raises(ValueError, match=r"nano.root: its content is not what was written"):
        require_sound(path)


@pytest.mark.parametrize("name", ["out.parquet", "out.safetensors"])
def test_formats_whose_readers_verify_them_are_not_digested_before(tmp_path, monkeypatch, name):
    digested = []
    monkeypatch.setattr(provenance, "content_digest", lambda path: digested.append(path) or "digest")
    for path in (tmp_path / name, tmp_path / "out.json"):
        path.write_text("{}")
        write_manifest(path, "Made", {})
    digested.clear()
    for path in (tmp_path / name, tmp_path / "out.json"):
        require_sound(path)
    assert digested == [tmp_path / "out.json"]


def test_manifests_from_before_are_believed_by_size_and_time(tmp_path, monkeypatch):
    path = sealed(tmp_path / "out.txt")
    manifest = {key: value for key, value in read_manifest(path).items() if key not in ("ctime_ns", "inode")}
    manifest_path(path).write_text(json.dumps(manifest))
    monkeypatch.setattr(provenance, "content_digest", lambda path: pytest.fail(f"{path} is digested again"))
    assert content_of(path) == manifest["content"]


def test_a_root_file_replaced_by_another_write_of_its_content_still_counts(tmp_path):
    path = write_root(tmp_path / "out.root")
    write_manifest(path, "Task", {})
    before = content_of(path)
    (tmp_path / "again").mkdir()
    again = write_root(tmp_path / "again" / "out.root")  # the name is part of a ROOT file and of its size
    assert again.stat().st_size == path.stat().st_size
    shutil.move(again, path)
    assert content_of(path) == before


def test_a_manifest_rewritten_on_disk_is_read_again(tmp_path):
    path = sealed(tmp_path / "out.txt", x=1)
    assert read_manifest(path)["inputs"] == {"x": 1}
    write_manifest(path, "Task", {"x": 2})
    assert read_manifest(path)["inputs"] == {"x": 2}


# --- files that no task makes


def test_an_external_file_is_digested_once_until_it_changes(tmp_path, monkeypatch):
    path, cache = tmp_path / "in.json", tmp_path / "cache"
    path.write_text("one")
    first = file_digest(path, cache)
    with monkeypatch.context() as context:
        context.setattr(provenance, "_byte_digest", lambda path: pytest.fail(f"{path} is digested again"))
        assert file_digest(path, cache) == first
    path.write_text("two")
    touched(path)
    second = file_digest(path, cache)
    assert second != first
    path.write_text("one")
    assert file_digest(touched(path), cache) == first


def test_an_external_file_that_changes_with_its_size_and_time_kept_is_digested_again(tmp_path, monkeypatch):
    path, cache = tmp_path / "in.json", tmp_path / "cache"
    path.write_text("one")
    first, before = file_digest(path, cache), path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = file_digest(path, cache)
    assert second != first
    status = provenance._status(path)
    monkeypatch.setattr(provenance, "_status", lambda _: status)
    path.write_text("one")
    assert file_digest(path, cache) == second
    with provenance.verifying():
        assert file_digest(path, cache) == first


def test_a_broken_cache_of_digests_is_replaced(tmp_path):
    path, cache = tmp_path / "in.json", tmp_path / "cache"
    path.write_text("one")
    first = file_digest(path, cache)
    for entry in cache.iterdir():
        entry.write_text("{")
    assert file_digest(path, cache) == first


def test_an_absent_external_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        file_digest(tmp_path / "absent.json", tmp_path / "cache")


# --- words

KEY = "config:training"
RATE = {"learning_rate": 0.001, "inputs": {"pt": {"transform": "log"}}}


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({KEY: RATE, "code_version": 1}, {"code_version": 1, KEY: RATE}, ""),
        ({KEY: RATE}, {KEY: {**RATE, "learning_rate": 0.0005}}, "training.learning_rate: 0.001 -> 0.0005"),
        (
            {KEY: RATE},
            {KEY: {**RATE, "inputs": {"pt": {"transform": "identity"}}}},
            "training.inputs.pt.transform: log -> identity",
        ),
        ({KEY: RATE}, {KEY: {**RATE, "inputs": {}}}, 'training.inputs.pt: {"transform":"log"} -> None'),
        ({"config:pileup": None}, {"config:pileup": {"file": "pu.json"}}, 'pileup: None -> {"file":"pu.json"}'),
        ({"config:a.bins": [0, 1]}, {"config:a.bins": [0, 2]}, "a.bins: [0,1] -> [0,2]"),
        ({"code_version": 1}, {"code_version": 2}, "code_version: 1 -> 2"),
        ({"parameter:member": 3}, {"parameter:member": 4}, "member: 3 -> 4"),
        ({"input:toy/A/a.json": "1f"}, {"input:toy/A/a.json": "2f"}, "toy/A/a.json changed"),
        ({"input:toy/A/a.json": "1f"}, {"input:toy/A/a.json": None}, "toy/A/a.json is absent or stale"),
        ({}, {"input:toy/A/a.json": None}, "toy/A/a.json is absent or stale"),
        ({}, {"config:pileup": None}, ""),  # None is the default of what was added to the schema since
        ({}, {"input:toy/A/a.json": "1f"}, "toy/A/a.json is new"),
        ({"input:toy/A/a.json": "1f"}, {}, "toy/A/a.json is no longer used"),
        ({"file:configs/sf.json": "1f"}, {"file:configs/sf.json": "2f"}, "configs/sf.json changed"),
        (
            {"input:toy/A/a.json": "1f", "input:toy/A/b.json": "1f", "input:toy/B/c/d.json": "1f"},
            {"input:toy/A/a.json": "2f", "input:toy/A/b.json": "2f", "input:toy/B/c/d.json": "2f"},
            "2 files in toy/A changed; toy/B/c/d.json changed",
        ),
        (
            {"input:toy/A/a.json": "1f", "input:toy/A/b.json": "1f", "input:toy/A/c.json": "1f"},
            {"input:toy/A/a.json": None, "input:toy/A/b.json": None, "input:toy/A/d.json": "2f"},
            "2 files in toy/A are absent or stale; toy/A/c.json is no longer used; toy/A/d.json is new",
        ),
        ({"config:x": "a" * 70}, {"config:x": "b"}, f"x: {'a' * 57}... -> b"),
        (
            {"config:x": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}},
            {"config:x": {"a": 2, "b": 2, "c": 2, "d": 2, "e": 1}, "code_version": 1},
            "code_version: None -> 1; x.a: 1 -> 2; x.b: 1 -> 2; and 2 more",
        ),
    ],
)
def test_differences_in_words(before, now, words):
    assert differences(before, now) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({KEY: RATE, "code_version": 1}, {"code_version": 1, KEY: RATE}),
        ({KEY: RATE}, {KEY: {**RATE, "learning_rate": 0.0005}}),
        ({}, {"config:pileup": None}),
        ({KEY: {"inputs": {"pt": {"x": None}}}}, {KEY: {"inputs": {"pt": {}}}}),
        ({KEY: {"inputs": {}}}, {KEY: {}}),
        ({KEY: [{"x": None}]}, {KEY: [{}]}),
        ({}, {"input:toy/A/a.json": None}),
        ({"input:toy/A/a.json": "1f"}, {"input:toy/A/a.json": None}),
        ({"file:a.json": None}, {"file:a.json": None}),
        ({"code_version": 1}, {"code_version": 2}),
    ],
)
def test_inputs_have_one_key_exactly_where_no_difference_is_seen(one, other):
    same = inputs_key("Task", "a.json", one) == inputs_key("Task", "a.json", other)
    assert same == (differences(one, other) == "")


def test_the_key_of_inputs_tells_tasks_and_outputs_apart():
    keys = {inputs_key(task, name, {"x": 1}) for task in ("A", "B") for name in ("a.json", "b.json")}
    assert len(keys) == 4


# --- writing


def test_content_is_synced_before_the_rename_and_the_rename_before_return(tmp_path, monkeypatch):
    done = []

    def synced(handle):
        done.append(("sync", Path(f"/proc/self/fd/{handle}").resolve()))

    monkeypatch.setattr(provenance.os, "fsync", synced)
    real = provenance.os.replace
    monkeypatch.setattr(provenance.os, "replace", lambda old, new: done.append(("name", Path(old))) or real(old, new))
    write_json(tmp_path / "out.txt", {"x": 1})
    part = done[0][1]
    assert part.name.startswith(".out.txt.part-")
    assert done == [("sync", part), ("name", part), ("sync", tmp_path)]


def test_a_write_that_breaks_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    write_json(path, {"x": 1})

    def breaks(value, stream, **options):
        stream.write('{"x"')
        stream.flush()
        assert json.loads(path.read_text()) == {"x": 1}  # what a reader sees in the middle
        raise KeyboardInterrupt

    monkeypatch.setattr(provenance.json, "dump", breaks)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"x": 2})
    assert json.loads(path.read_text()) == {"x": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_a_part_of_a_written_file(tmp_path, monkeypatch):
    path, seen = tmp_path / "new" / "out.txt", []
    real = json.dump

    def looks(value, stream, **options):
        real(value, stream, **options)
        stream.flush()
        seen.append(path.exists())

    monkeypatch.setattr(provenance.json, "dump", looks)
    write_json(path, {"x": 1})
    assert seen == [False]
    assert json.loads(path.read_text()) == {"x": 1}


def test_a_full_disk_is_named_with_folder_and_way_out(tmp_path, monkeypatch):
    def full(value, stream, **options):
        Path("/dev/full").write_text("x")

    monkeypatch.setattr(provenance.json, "dump", full)
    with pytest.raises(
        OSError, match=r"No space left on device; free space there, or set DEEPSF_DATA.*larger"
    ) as error:
        write_json(tmp_path / "out.txt", {})
    assert error.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
