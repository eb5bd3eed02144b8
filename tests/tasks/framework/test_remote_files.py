"""What is remembered of files on servers, when servers are asked, and what happens where none answers."""

from __future__ import annotations

import json
import threading

import pytest

from deepsf.nanoaod import attempts, listing
from deepsf.nanoaod.root_file import UnreachableError
from tasks.framework import remote_files, settings

URL, OTHER = "root://a//store/x.root", "root://a//store/y.root"


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Files of a server by address, which tests change; what was asked."""
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path))
    monkeypatch.setattr(remote_files, "_failed", {})
    monkeypatch.setattr(remote_files, "_silent", set())
    files, asked = {URL: "10-uuid"}, []

    def answer(location, redirectors=(), *, patient=True):
        asked.append(location)
        if location not in files:
            raise UnreachableError(f"{location}: unreachable")
        return files[location]

    monkeypatch.setattr(attempts, "identity_of", answer)
    monkeypatch.setattr(listing, "files_matching", answer)
    return files, asked


def test_a_file_is_asked_for_once_and_again_when_it_is_forgotten(server):
    files, asked = server
    assert [remote_files.identity(URL, ()) for _ in range(3)] == ["10-uuid"] * 3
    assert asked == [URL]
    files[URL] = "11-other"
    assert remote_files.identity(URL, ()) == "10-uuid"
    remote_files.forget(URL)
    assert remote_files.identity(URL, ()) == "11-other"


def test_a_status_needs_no_server(server):
    files, _ = server
    remote_files.identity(URL, ())
    files.clear()
    assert remote_files.identity(URL, ()) == "10-uuid"


def test_a_server_that_does_not_answer_is_not_asked_again_by_this_process(server):
    _, asked = server
    for _ in range(2):
        with pytest.raises(UnreachableError):
            remote_files.identity(OTHER, ())
    assert asked == [OTHER]


def test_many_files_are_asked_for_at_once(server, monkeypatch):
    together = threading.Barrier(16)

    def answer(location, _):
        together.wait(20)  # nobody gets an answer before 16 have asked
        return location[-3:]

    monkeypatch.setattr(attempts, "identity_of", answer)
    files = [f"root://a//{number:03}" for number in range(32)]
    remote_files.find_out(dict.fromkeys(files, False), ())
    assert [remote_files.identity(file, ()) for file in files] == [f"{number:03}" for number in range(32)]


def test_files_that_are_known_are_asked_for_only_anew(server):
    files, asked = server
    remote_files.find_out({URL: False}, ())
    remote_files.find_out({URL: False}, ())
    assert asked == [URL]
    files[URL] = "11-other"
    remote_files.find_out({URL: False}, (), anew=True)
    assert remote_files.identity(URL, ()) == "11-other"


def test_only_files_that_are_needed_stop_a_submission(server):
    remote_files.find_out({URL: False, OTHER: True}, ())
    with pytest.raises(UnreachableError, match=r"y\.root: unreachable"):
        remote_files.find_out({URL: False, OTHER: False}, ())


def test_a_pattern_has_its_last_files_while_no_server_answers(server, caplog):
    files, asked = server
    pattern = "root://a//store/*.root"
    with pytest.raises(UnreachableError):
        remote_files.matching(pattern, ())
    files[pattern] = [URL]
    assert remote_files.matching(pattern, ()) == [URL]
    files[pattern] = [URL, OTHER]
    assert remote_files.matching(pattern, ()) == [URL, OTHER]
    del files[pattern]
    n_asked = len(asked)
    assert [remote_files.matching(pattern, ()) for _ in range(2)] == [[URL, OTHER]] * 2
    assert len(asked) == n_asked + 1
    assert "unreachable; files of its patterns are those of the last time" in caplog.text


def test_a_job_that_sees_none_of_our_folders_is_told(server, tmp_path, monkeypatch):
    _, asked = server
    given = {"files": {}, "external": {}, "identities": {URL: "10-uuid", OTHER: None}}
    (tmp_path / settings.SHIPPED).write_text(json.dumps(given))
    monkeypatch.setenv(settings.SHIPPED_VARIABLE, "1")
    settings.shipped.cache_clear()
    try:
        assert remote_files.identity(URL, ()) == "10-uuid"
        assert remote_files.identity(OTHER, ()) is None
    finally:
        settings.shipped.cache_clear()
    assert asked == []
