"""Whatever a reader stumbles over is one line with the file's name."""

from __future__ import annotations

import pytest

from deepsf.reading import FileContentError, in_words, read_json, reading


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("names"), "it lacks 'names'"),
        (ValueError("two\nlines"), "two lines"),
        (IndexError("list index out of range"), "list index out of range"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (RecursionError("too deep"), "too deep"),
    ],
)
def test_an_error_is_said_in_one_line(error, words):
    assert in_words(error) == words
    with pytest.raises(FileContentError) as caught, reading("a.json"):
        raise error
    assert str(caught.value) == f"a.json: {words}; the file was damaged or edited: make it anew"


def test_errors_that_are_not_of_the_content_pass():
    with pytest.raises(FileNotFoundError), reading("a.json"):
        raise FileNotFoundError("gone")


def test_json_is_read_as_it_is_or_by_its_builder(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"x": [1]}')
    assert read_json(path) == {"x": [1]}
    assert read_json(path, len) == 10
    path.write_bytes(b"\xff")
    with pytest.raises(FileContentError, match=r"a\.json: 'utf-8' codec can't decode"):
        read_json(path)
