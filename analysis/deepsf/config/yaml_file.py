"""Reading one YAML file, strictly: values have the types of JSON, and nothing has two readings.

PyYAML follows YAML 1.1, in which 010 is 8, 1:30 is 90 and ``on`` is true; YAML 1.2 reads 10 and two texts. Here numbers
are decimal, true and false are the only truth values, and a plain value on which the two versions differ is refused.
"""

from __future__ import annotations

import math
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

import yaml

MAX_BYTES = 2_000_000
MAX_NODES = 20_000
"""Keys and values of a file, aliases (``*name``) written out: ten lines of them can stand for more than any memory."""
MAX_DEPTH = 50
MAX_DIGITS = 40
MAX_KEY = 200

_WORDS = {"": None, "~": None} | {
    spelling: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelling in (word, word.capitalize(), word.upper())
}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.?[0-9]*)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TWO_READINGS = (
    (r"[-+]?0[0-9_]+", "octal in YAML 1.1, decimal in 1.2; leave the leading zero out, or"),
    (r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", "base 60 in YAML 1.1, a text in 1.2; write a decimal number, or"),
    (r"[-+]?0[box][0-9a-fA-F_]+", "a number to some readers, a text to others; write a decimal number, or"),
    (r"[-+]?\.?[0-9][0-9_.]*_[0-9_.]*(e[-+]?[0-9]+)?", "a number in YAML 1.1, a text in 1.2; leave the _ out, or"),
    (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?", "a date in YAML 1.1, a text in 1.2;"),
)


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the file and every problem in it."""


class YamlFile(NamedTuple):
    """What a YAML file holds, and the line of each of its keys, by their dotted path."""

    values: dict[str, Any]
    lines: dict[str, int]


def read_yaml(path: Path) -> YamlFile:
    """Return the mapping in a YAML file.

    Raises
    ------
    ConfigError
        If it is no regular file of moderate size, not UTF-8, not YAML or not a mapping of texts; if a key is set twice,
        a value has two readings, or tags or merge keys are used. The message has one line, with file and line.
    """
    text = _text(path)
    try:
        node = _Composer(text).get_single_node()
        if not isinstance(node, yaml.MappingNode):
            held = {yaml.ScalarNode: "a single value", yaml.SequenceNode: "a list"}.get(type(node), "nothing")
            raise ConfigError(f"must be a mapping of sections, but holds {held}")
        lines: dict[str, int] = {}
        return YamlFile(_plain(node, (), lines), lines)
    except (ConfigError, yaml.YAMLError) as error:
        words = str(error) if isinstance(error, ConfigError) else _words(error, text)
        raise ConfigError(f"{path.name}{', ' if words.startswith('line') else ': '}{words}") from None


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path}: is no regular file; name a YAML file")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); name a config of configs/ or a YAML file"
        ) from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES / 1e6:g} MB; is this a configuration?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path.name}, line {line}: not UTF-8 (byte 0x{content[error.start]:02x}); save the file as UTF-8"
        ) from None


class _Composer(yaml.SafeLoader):
    """PyYAML up to its nodes, which do not yet have Python values, with limits on their depth and number."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as in PyYAML; every plain value is a text until `_value` reads it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._n_nodes = 0
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line, anchor = f"line {event.start_mark.line + 1}", event.anchor
        if getattr(event, "tag", None) not in (None, "!"):
            raise ConfigError(f"{line}: tag {event.tag}: types follow from the key; leave the tag out")
        if isinstance(event, yaml.AliasEvent) and anchor in self.anchors:
            if anchor not in self._sizes:
                raise ConfigError(f"{line}: alias *{anchor} lies inside of what it stands for; write the values out")
            self._n_nodes += self._sizes[anchor] - 1
        before = self._n_nodes
        self._n_nodes += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConfigError(f"{line}: nested more than {MAX_DEPTH} levels deep; no section is")
        if self._n_nodes > MAX_NODES:
            raise ConfigError(f"{line}: more than {MAX_NODES} values, aliases written out; no campaign needs as many")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if anchor is not None and not isinstance(event, yaml.AliasEvent):
            self._sizes[anchor] = self._n_nodes - before
        return node


def _plain(node: yaml.Node, path: tuple[str, ...], lines: dict[str, int]) -> Any:
    """Return the value of a node; note the lines of the keys in it."""
    if isinstance(node, yaml.ScalarNode):
        return _value(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, path, {}) for item in node.value]
    found: dict[str, Any] = {}
    own_lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _key(key_node, line)
        if key in found:
            raise ConfigError(f"line {line}: key {key!r} was already set on line {own_lines[key]}")
        own_lines[key] = lines[".".join((*path, key))] = line
        found[key] = _plain(value_node, (*path, key), lines)
    return found


def _key(node: yaml.Node, line: int) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigError(f"line {line}: a key must be a text, but is a list or a mapping")
    if node.value == "<<" and node.style is None:
        raise ConfigError(f"line {line}: merge keys (<<) are not read; write the keys out, or use extends")
    key = _value(node)
    if not isinstance(key, str):
        raise ConfigError(f"line {line}: a key must be a text, but is {node.value or 'empty'}; put it in quotes")
    if not key.isprintable() or len(key) > MAX_KEY:
        raise ConfigError(f"line {line}: a key must be a text of one line and at most {MAX_KEY} characters")
    return key


def _value(node: yaml.ScalarNode) -> str | bool | int | float | None:
    """Return the value of a scalar; whole numbers are whole however they are written, as 1e6."""
    text = node.value
    if node.style is not None:
        return str(text)
    if text in _WORDS:
        return _WORDS[text]
    line = f"line {node.start_mark.line + 1}"
    for pattern, why in _TWO_READINGS:
        if re.fullmatch(pattern, text):
            raise ConfigError(f"{line}: {text} is {why} put it in quotes if it is a text")
    if _WHOLE.fullmatch(text) and len(text) <= MAX_DIGITS:
        return int(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    if not _NUMBER.fullmatch(text):
        return str(text)
    number = float(text)
    if math.isinf(number) or _WHOLE.fullmatch(text):
        shown = text if len(text) <= MAX_DIGITS else f"{text[:10]}... ({len(text)} digits)"
        raise ConfigError(f"{line}: {shown} is too large for a number")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _words(error: yaml.YAMLError, text: str) -> str:
    """Return a parser's error in one line, with the way out of the most frequent one."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = "; ".join(part for part in (error.context, error.problem) if part)
        if mark is None:
            return f"not valid YAML: {what}"
        lines = text.splitlines()
        if mark.line < len(lines) and "\t" in lines[mark.line]:
            what += "; the line has a tab, use blanks"
        return f"line {mark.line + 1}, column {mark.column + 1}: not valid YAML: {what}"
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: character {chr(error.character)!r} cannot be used; is the file UTF-8 text?"
    return "not valid YAML: " + " ".join(str(error).split())
