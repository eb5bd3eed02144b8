"""Addresses: which locations are some, and whom to ask for a file."""

import pytest

from deepsf.nanoaod.remote import is_url, places

A, B = "root://a.cern.ch:1094", "root://b.cern.ch/"


@pytest.mark.parametrize(
    ("location", "answer"),
    [
        ("root://a.cern.ch//store/x.root", True),
        ("https://a.cern.ch/x.root", True),
        ("root:///store/x.root", True),
        ("/store/x.root", False),
        ("root:/a.cern.ch/store/x.root", False),
        ("s3://bucket/x.root", False),
    ],
)
def test_urls_are_told_from_paths(location, answer):
    assert is_url(location) is answer


def test_redirectors_come_after_the_files_own_server_and_each_server_once():
    assert places(f"{A}//store/x.root", [A, B]) == (f"{A}//store/x.root", "root://b.cern.ch//store/x.root")
    assert places("root:///store/x.root?q=1", [A, B]) == (f"{A}//store/x.root?q=1", f"{B}/store/x.root?q=1")
    assert places("https://a.cern.ch/x.root", [A, B]) == ("https://a.cern.ch/x.root",)
    assert places("root:///store/x.root") == ()
