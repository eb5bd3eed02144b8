"""Which files the entries of samples stand for: paths, patterns, folders, lists, addresses; and what is no entry."""

from __future__ import annotations

import json

import pytest
import yaml

from deepsf.config import ConfigError
from tasks.framework import remote_files, settings
from tasks.framework.sample_files import event_files, names_for_jobs, sample_files
from tests.tasks.framework.chain import ROOT


@pytest.fixture
def store(tmp_path):
    """A folder of files."""
    for name in ("one/b.root", "one/a.root", "one/deep/c.root", "one/.hidden.root", "one/notes.md", "two/d.root"):
        path = tmp_path / "store" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "store"


@pytest.fixture
def config(campaign, tmp_path):
    """Return a function that writes a configuration with files of its samples."""

    def write(data, ttbar=("configs/toy.yaml",), **of_campaign):
        samples = {
            "data": {"files": list(data), "generate": [], "certified": None},
            "ttbar": {"files": list(ttbar), "generate": []},
            "zjets": {"files": ["configs/toy.yaml"], "generate": []},
        }
        path = tmp_path / "named.yaml"
        extended = str(ROOT / "configs" / "toy_small.yaml")
        tree = {"extends": extended, "generator": None, "samples": samples}
        path.write_text(yaml.safe_dump({**tree, "campaign": {"certified": None, **of_campaign}}))
        campaign.new_process()
        return str(path)

    return write


@pytest.fixture
def files(config, store):
    """Return a function that gives the files of the entries of a sample, below the store without it."""

    def find(*entries, **of_campaign):
        found = sample_files(config([entry.format(store) for entry in entries], **of_campaign))["data"]
        return [name.removeprefix(f"{store}/") for name in found]

    return find


def test_folders_patterns_and_paths_keep_their_order(files):
    assert files("{}/two/d.root", "{}/one/*.root") == ["two/d.root", "one/a.root", "one/b.root"]
    assert files("{}/one") == ["one/a.root", "one/b.root", "one/deep/c.root"]
    assert files("{}/*/*.root") == ["one/a.root", "one/b.root", "two/d.root"]
    assert files("{}/t*") == ["two/d.root"]


def test_a_list_names_entries_a_line_with_comments_and_other_lists(files, store):
    (store / "inner.txt").write_text("https://a.cern.ch/x.root\n")
    (store / "all.txt").write_text(f"# of DAS\n\n{store}/two  # a folder\n  {store}/inner.txt\n{store}/one/a*.root\n")
    assert files("{}/all.txt") == ["two/d.root", "https://a.cern.ch/x.root", "one/a.root"]


def test_addresses_are_left_as_they_are(files, monkeypatch):
    monkeypatch.setenv("SITE", "root://eos.cern.ch:1094")
    given = ["root://a.cern.ch//store/x.root?k=1", "https://a.cern.ch/b?c=x.root", "http://a.cern.ch:80/d.root"]
    assert files(*given, "$SITE//store/y.root") == [*given, "root://eos.cern.ch:1094//store/y.root"]


def test_names_of_the_store_are_of_the_redirectors_if_there_are_some(files):
    assert files("/store/data/x.root", redirectors=["root://xrootd-cms.infn.it"]) == ["root:///store/data/x.root"]


def test_patterns_of_addresses_are_listed_by_the_server(files, monkeypatch):
    asked = []

    def listed(pattern, redirectors):
        asked.append((pattern, *redirectors))
        return [f"{pattern.partition('*')[0]}x.root"]

    monkeypatch.setattr(remote_files, "matching", listed)
    found = files("root://a//store/*.root", "root://a//eos/f/", "/store/mc/*/*.root", redirectors=["root://b"])
    assert found == ["root://a//store/x.root", "root://a//eos/f/x.root", "root:///store/mc/x.root"]
    assert asked[1:] == [("root://a//eos/f/**/*.root", "root://b"), ("root:///store/mc/*/*.root", "root://b")]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{}/three/*.root", r"'{}/three/\*.root' matches no file (looked for {}/three/\*.root)"),
        ("{}/absent.root", "'{}/absent.root' matches no file (looked for {}/absent.root)"),
        ("/store/x.root", "'/store/x.root' matches no file (looked for /store/x.root); set campaign.redirectors if"),
        ("{}/empty", "'{}/empty' matches no file: no *.root below the folder {}/empty"),
        ("{}/void.txt", "'{}/void.txt': the list {}/void.txt names no file"),
        ("{}/loop.txt", "'{}/loop.txt' in {}/loop.txt: the list names itself"),
        ("{}/bad.txt", "'{}/away.root' in {}/bad.txt matches no file (looked for {}/away.root)"),
        ("{}/bytes.txt", "'{}/bytes.txt': the list cannot be read ('utf-8' codec"),
        ("root://a.cern.ch/store/x.root", "two slashes come after the server, as in root://a.cern.ch//store/x.root"),
        ("root:/a.cern.ch/store/x.root", "an address has two slashes after root: and after the server"),
        ("root:///store/x.root", "'root:///store/x.root' names no server; name one, or set campaign.redirectors"),
        ("davs://a.cern.ch/x.root", "davs:// is not read; take root://, http://, https:// or a path"),
        ("root://a.cern.ch//x.txt", "lists are read from disks only; copy it to one"),
        ("https://a.cern.ch/*.root", "https:// servers list no files; name each, or take root://"),
        ("$NO_SUCH/x.root", "variable NO_SUCH is not set"),
    ],
)
def test_what_is_no_file_is_named_with_the_way_out(files, store, entry, problem):
    (store / "empty").mkdir()
    (store / "void.txt").write_text("# nothing\n")
    (store / "loop.txt").write_text(f"{store}/loop.txt\n")
    (store / "bad.txt").write_text(f"{store}/away.root\n")
    (store / "bytes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as error:
        files(entry)
    assert problem.replace("{}", str(store)).replace("\\", "") in str(error.value)
    assert str(error.value).startswith("samples.data.files: ")


def test_problems_of_all_samples_come_at_once(config, store):
    path = config(["/a/*.root", "/b/*.root"], ["davs://c/d.root", f"{store}/one/a.root", f"{store}/one"])
    with pytest.raises(ConfigError) as error:
        sample_files(path)
    assert sorted(line.split(":")[0] for line in str(error.value).splitlines()) == [
        *["samples.data.files"] * 2,
        *["samples.ttbar.files"] * 2,
    ]
    assert f"{store}/one/a.root is matched by more than one pattern" in str(error.value)


def test_a_file_by_two_paths_is_matched_twice(files, store):
    (store / "link.root").symlink_to(store / "two" / "d.root")
    with pytest.raises(ConfigError, match=r"link\.root \(also as .*/two/d\.root\) is matched by more than one pattern"):
        files("{}/two", "{}/link.root")


def test_redirectors_are_servers(files):
    for address in ("xrootd-cms.infn.it", "root://a.cern.ch//store", "https://a.cern.ch"):
        with pytest.raises(ConfigError, match="must be the address of a server without a path"):
            files("{}/two", redirectors=[address])


def test_a_job_has_the_files_of_its_submission(config, store, tmp_path, monkeypatch):
    monkeypatch.setenv("STORE", str(store))
    path = config(["$STORE/one", "root://a//store/x.root"])
    content = {"config": {}, "paths": {}, "files": names_for_jobs(path)}
    found = sample_files(path)
    assert content["files"]["ttbar"] == ["configs/toy.yaml"]
    (tmp_path / "snapshot.json").write_text(json.dumps(content))
    (store / "one" / "aaa.root").touch()
    monkeypatch.delenv("STORE")
    monkeypatch.setenv(settings.SNAPSHOT_VARIABLE, str(tmp_path / "snapshot.json"))
    settings.snapshot.cache_clear()
    try:
        assert sample_files(path) == found
        assert sample_files(path)["ttbar"] == (str(ROOT / "configs" / "toy.yaml"),)
    finally:
        settings.snapshot.cache_clear()


def test_a_job_has_the_event_files_of_its_submission(campaign, store, tmp_path, monkeypatch):
    monkeypatch.setenv("STORE", str(store))
    path, columns = tmp_path / "files.yaml", {"pt_gev": "a", "eta": "b", "phi": "c", "flavour": "d", "tag_bin": "e"}
    events = {"train": ["$STORE/one/*.root"], "transfer": {"zz": ["configs/toy.yaml"]}, "columns": columns}
    flavours = {"b": {"hadron_flavours": [5]}, "udsg": {"hadron_flavours": [0]}}
    path.write_text(yaml.safe_dump({"flavours": flavours, "efficiency": {"events": events}}))
    found = event_files(str(path))
    assert found["train"] == (store / "one" / "a.root", store / "one" / "b.root")
    assert (found["test"], found["zz"]) == ((), (ROOT / "configs" / "toy.yaml",))
    content = {"config": {}, "paths": {}, "files": names_for_jobs(str(path))}
    assert content["files"]["zz"] == ["configs/toy.yaml"]
    (tmp_path / "snapshot.json").write_text(json.dumps(content))
    (store / "one" / "aaa.root").touch()
    monkeypatch.delenv("STORE")
    monkeypatch.setenv(settings.SNAPSHOT_VARIABLE, str(tmp_path / "snapshot.json"))
    settings.snapshot.cache_clear()
    try:
        assert event_files(str(path)) == found
    finally:
        settings.snapshot.cache_clear()
