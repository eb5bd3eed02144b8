"""YAML files: what has two readings is refused, bombs end at once, and each message names file and line."""

from __future__ import annotations

import os
import time
from itertools import pairwise

import pytest

from deepsf.config.yaml_file import MAX_BYTES, ConfigError, read_yaml


@pytest.fixture
def read(tmp_path):
    def of(text: str | bytes):
        path = tmp_path / "mine.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_yaml(path)

    return of


@pytest.fixture
def refused(read):
    def of(text: str | bytes) -> str:
        with pytest.raises(ConfigError) as error:
            read(text)
        assert len(str(error.value).splitlines()) == 1
        return str(error.value)

    return of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("25", 25),
        ("-3", -3),
        ("0", 0),
        ("0.5", 0.5),
        (".16", 0.16),
        ("1e-3", 0.001),
        ("1.0e+6", 1_000_000),
        ("1e6", 1_000_000),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("No", "No"),
        ("2017_UL", "2017_UL"),
        ("'010'", "010"),
        ('"2017-10-01"', "2017-10-01"),
        ("HLT_Mu8 # a comment", "HLT_Mu8"),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(read, text, value):
    found = read(f"key: {text}\n").values["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("010", "octal in YAML 1.1, decimal in 1.2; leave the leading zero out, or"),
        ("0_1", "octal in YAML 1.1, decimal in 1.2; leave the leading zero out, or"),
        ("1:30", "base 60 in YAML 1.1, a text in 1.2; write a decimal number, or"),
        ("1:30:00.5", "base 60 in YAML 1.1, a text in 1.2; write a decimal number, or"),
        ("0x1F", "a number to some readers, a text to others; write a decimal number, or"),
        ("0o17", "a number to some readers, a text to others; write a decimal number, or"),
        ("1_000", "a number in YAML 1.1, a text in 1.2; leave the _ out, or"),
        ("2017_18", "a number in YAML 1.1, a text in 1.2; leave the _ out, or"),
        ("2017-13-45", "a date in YAML 1.1, a text in 1.2;"),
        ("2017-10-01 12:00:00", "a date in YAML 1.1, a text in 1.2;"),
    ],
)
def test_values_with_two_readings_are_refused_and_quotes_make_them_texts(read, refused, value, why):
    assert refused(f"first: 1\nkey: [{value}]\n") == (
        f"mine.yaml, line 2: {value} is {why} put it in quotes if it is a text"
    )
    assert read(f"key: '{value}'").values == {"key": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "mine.yaml, line 3: key 'a' was already set on line 1"),
        ("a: {x: 1, x: 1}", "mine.yaml, line 1: key 'x' was already set on line 1"),
        ("a:\n  <<: {b: 1}", "mine.yaml, line 2: merge keys (<<) are not read; write the keys out, or use extends"),
        ("2017: {}", "mine.yaml, line 1: a key must be a text, but is 2017; put it in quotes"),
        ("{? [a, b] : 1}", "mine.yaml, line 1: a key must be a text, but is a list or a mapping"),
        ("a: !!python/name:os.system x", "tag tag:yaml.org,2002:python/name:os.system: types follow from the key"),
        ("a: !!timestamp 2017-01-01", "mine.yaml, line 1: tag tag:yaml.org,2002:timestamp: types follow"),
        ("a: &x [1, *x]", "mine.yaml, line 1: alias *x lies inside of what it stands for; write the values out"),
        ("a: *y", "mine.yaml, line 1, column 4: not valid YAML: found undefined alias 'y'"),
        ("a: 1\n\tb: 2\n", "the line has a tab, use blanks"),
        ("a: [1, 2", "mine.yaml, line 1, column 9: not valid YAML: while parsing a flow sequence; expected ',' or ']'"),
        ("a: 1\n---\nb: 2\n", "expected a single document in the stream; but found another document"),
        ("", "mine.yaml: must be a mapping of sections, but holds nothing"),
        ("- a\n", "mine.yaml: must be a mapping of sections, but holds a list"),
        ('"a\\nb": 1', "mine.yaml, line 1: a key must be a text of one line and at most 200 characters"),
        ("a: 1\nb: \x07\n", "mine.yaml, line 2: character '\\x07' cannot be used; is the file UTF-8 text?"),
        (b"a: 1\nera: caf\xe9\n", "mine.yaml, line 2: not UTF-8 (byte 0xe9); save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "mine.yaml, line 1: not UTF-8 (byte 0xff); save the file as UTF-8"),
        ("a: 1\n".encode("utf-16-le"), "mine.yaml, line 1: character '\\x00' cannot be used; is the file UTF-8 text?"),
        ("a: " + "9" * 5000, "mine.yaml, line 1: 9999999999... (5000 digits) is too large for a number"),
        ("a: 1e999", "mine.yaml, line 1: 1e999 is too large for a number"),
        ("a: " + "[" * 1500, "mine.yaml, line 1: nested more than 50 levels deep; no section is"),
        ("".join(f"{' ' * k}a:\n" for k in range(900)), "mine.yaml, line 50: nested more than 50 levels deep"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_one_line(refused, text, message):
    assert message in refused(text)


def test_a_byte_order_mark_is_no_part_of_the_first_key(read):
    assert read(b"\xef\xbb\xbfa: 1\n").values == {"a": 1}


def test_aliases_stand_for_their_values(read):
    assert read("a: &cuts {pt_min_gev: 20}\nb: [*cuts, *cuts]\n").values == {
        "a": {"pt_min_gev": 20},
        "b": [{"pt_min_gev": 20}] * 2,
    }


def test_lines_of_keys_are_known_by_their_path(read):
    assert read("a:\n  b: 1\n  c: [{d: 2}]\n").lines == {"a": 1, "a.b": 2, "a.c": 3}


NAMES = [chr(ord("a") + n) for n in range(26)]
BOMBS = {
    "aliases of lists": "a: &a [x, x, x, x]\n"
    + "".join(f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}]\n" for old, new in pairwise(NAMES)),
    "aliases of mappings": "a: &a {k: x, l: x}\n"
    + "".join(f"{new}: &{new} {{k: *{old}, l: *{old}}}\n" for old, new in pairwise(NAMES)),
    "many values": "a: [" + "x," * 400_000 + "]",
    "many keys": "".join(f"k{n}: 1\n" for n in range(60_000)),
    "deep": "- " * 400_000,
    "one text": "a: " + "x" * (MAX_BYTES - 10),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_end_within_a_second(tmp_path, kind):
    path = tmp_path / "mine.yaml"
    path.write_text(BOMBS[kind])
    start = time.process_time()
    if kind == "one text":
        read_yaml(path)
    else:
        with pytest.raises(ConfigError, match=r"more than 20000 values, aliases written|nested more than 50 levels"):
            read_yaml(path)
    assert time.process_time() - start < 2.0  # a second here, on machines half as fast too


def test_only_regular_files_of_moderate_size_are_read(tmp_path):
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    no_file = "cannot be read (No such file or directory); name a config of configs/ or a YAML file"
    for path, rule in (
        (fifo, "is no regular file; name a YAML file"),
        (tmp_path, "is no regular file; name a YAML file"),
        ("/dev/zero", "is no regular file; name a YAML file"),
        (large, "larger than 2 MB; is this a configuration?"),
        (tmp_path / "nowhere.yaml", no_file),
    ):
        with pytest.raises(ConfigError) as error:
            read_yaml(type(tmp_path)(path))
        assert str(error.value) == f"{path}: {rule}"
