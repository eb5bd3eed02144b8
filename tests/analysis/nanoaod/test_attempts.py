"""Servers that fail, hang, come back or have no such file: whom is asked how often, and what is said in the end."""

from __future__ import annotations

import re

import pytest

from deepsf.nanoaod import attempts
from deepsf.nanoaod.attempts import read_somewhere
from deepsf.nanoaod.root_file import NtupleError, UnreachableError, UnreadableError, unreadable

URL = "root://a//store/x.root"
REDIRECTORS = ("root://b", "root://c")


class Servers:
    """Servers that take their time to fail, and the clock that shows it."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.now = 0.0
        self.asked: list[tuple[str, float]] = []

    def read(self, place: str) -> str:
        server = place.split("/")[2]
        self.asked.append((server, self.now))
        answer = self.answers[server]
        answer = answer(self.now) if callable(answer) else answer
        if isinstance(answer, str):
            return answer
        seconds, error = answer
        self.now += seconds
        raise unreadable(place, error, "opening it")


HANGS = (12.0, OSError("[ERROR] Operation expired"))
REFUSES = (5.0, OSError("[FATAL] Connection error"))
HAS_NONE = (0.1, OSError("[ERROR] Server responded with an error: [3011] no such file or directory\n"))


@pytest.fixture
def servers(monkeypatch):
    def make(**answers):
        made = Servers(**answers)
        monkeypatch.setattr(attempts.time, "monotonic", lambda: made.now)
        monkeypatch.setattr(attempts.time, "sleep", lambda seconds: setattr(made, "now", made.now + seconds))
        return made

    return make


@pytest.mark.parametrize("failure", [HANGS, REFUSES, (0.0, TypeError("'X' object is not subscriptable"))])
def test_a_server_that_fails_is_asked_again_and_named_within_a_minute(servers, failure):
    made = servers(a=failure)
    with pytest.raises(UnreachableError) as caught:
        read_somewhere(URL, made.read)
    assert len(made.asked) >= 3
    assert made.now < 60.0
    words, (_, error) = str(caught.value), failure
    assert words.startswith(f"{URL}: unreachable, {len(made.asked)} attempt(s): a {len(made.asked)} x, last ")
    assert f"{type(error).__name__} while opening it: {error}; check the address" in words
    assert words.endswith("name others in campaign.redirectors, or set on_bad_file: skip for the sample")
    assert "\n" not in words


def test_many_servers_that_hang_are_named_within_a_minute(servers):
    made = servers(a=HANGS, b=HANGS, c=HANGS, d=HANGS, e=HANGS)
    with pytest.raises(UnreachableError, match=r"a 1 x, .*b 1 x, .*c 1 x"):
        read_somewhere(URL, made.read, ("root://b", "root://c", "root://d", "root://e"))
    assert made.now < 60.0


def test_without_patience_each_server_is_asked_once(servers):
    made = servers(a=REFUSES, b=REFUSES, c=REFUSES)
    with pytest.raises(UnreachableError):
        read_somewhere(URL, made.read, REDIRECTORS, patient=False)
    assert [server for server, _ in made.asked] == ["a", "b", "c"]


def test_the_first_server_that_has_the_file_gives_it(servers):
    made = servers(a=REFUSES, b=HAS_NONE, c="events")
    assert read_somewhere(URL, made.read, REDIRECTORS) == "events"
    assert [server for server, _ in made.asked] == ["a", "b", "c"]


def test_a_file_without_a_server_is_asked_for_at_the_redirectors(servers):
    made = servers(b=HAS_NONE, c="events")
    assert read_somewhere("root:///store/x.root", made.read, REDIRECTORS) == "events"
    with pytest.raises(NtupleError, match=r"root:///store/x\.root: names no server; .*set campaign\.redirectors"):
        read_somewhere("root:///store/x.root", made.read)


def test_a_server_that_comes_back_is_read_from(servers):
    made = servers(a=lambda now: "events" if now > 12.0 else REFUSES)
    assert read_somewhere(URL, made.read) == "events"
    assert len(made.asked) == 3


def test_a_file_that_nobody_has_is_named_at_once(servers):
    made = servers(a=HAS_NONE, b=HAS_NONE, c=HAS_NONE)
    with pytest.raises(UnreachableError, match=r"3 attempt\(s\): a 1 x, .*\[3011\] no such file") as caught:
        read_somewhere(URL, made.read, REDIRECTORS)
    assert caught.value.is_final
    assert made.now < 1.0


def test_a_server_that_has_no_such_file_is_not_asked_again_while_another_is(servers):
    made = servers(a=HAS_NONE, b=REFUSES)
    with pytest.raises(UnreachableError):
        read_somewhere(URL, made.read, ["root://b"])
    assert [server for server, _ in made.asked].count("a") == 1
    assert [server for server, _ in made.asked].count("b") >= 2


def test_what_is_wrong_with_the_content_is_said_at_once():
    def no_jets(place):
        raise NtupleError(f"{place}: branch Jet_pt is missing")

    with pytest.raises(NtupleError, match="branch Jet_pt is missing"):
        read_somewhere(URL, no_jets)


def test_a_path_is_read_once_and_its_error_stays():
    def corrupt(place):
        raise UnreadableError(f"{place}: truncated")

    with pytest.raises(UnreadableError, match=re.escape("/store/x.root: truncated")):
        read_somewhere("/store/x.root", corrupt, REDIRECTORS)


@pytest.mark.parametrize("changes_while_read", [False, True])
def test_another_file_under_the_same_name_is_refused(monkeypatch, changes_while_read):
    identities = iter(["1-a", "2-b"] if changes_while_read else ["2-b"])
    monkeypatch.setattr(attempts, "_identity_at", lambda _: next(identities))
    with pytest.raises(
        NtupleError, match=r"another file than .*are 2-b, were 1-a\); nothing of it is used; run"
    ) as error:
        read_somewhere(URL, lambda _: "events", identity="1-a")
    assert not isinstance(error.value, UnreadableError)
