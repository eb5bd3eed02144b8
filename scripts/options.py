"""Write docs/options.md, the page of all keys of a campaign file, from the schema: ``python scripts/options.py``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from deepsf.config import Config, EfficiencyConfig
from deepsf.config.base import Section
from deepsf.config.efficiency.audit_rows import ROWS, RowKind

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "options.md"
HEAD = """# Options

All keys of a campaign file. `python scripts/options.py` writes this page from the schema, `analysis/deepsf/config/`.

`<name>` stands for a name that the file chooses. Names of samples, regions, flavours, working points and jet columns
have letters, digits, `_`, `.` and `-`, since outputs lie under them. `extends: FILE.yaml` starts from another file, by
its path relative to this one, and the keys that follow replace or extend it. `null` takes an optional section or value
away, and in a file that extends another one also an entry of that one, as in `samples: {ww: null}`.

Values are those of YAML 1.2: numbers are decimal, only `true` and `false` are true or false, and a number in quotes is
a text. What YAML 1.1 reads differently is refused (`010`, `1:30`, `1_000`, `2017-10-01`) unless it is in quotes. Merge
keys (`<<`) and tags are refused, too.
"""
ALONE = "A file with `efficiency.toy` or `efficiency.events` has only these sections: "
AUDIT_ROWS = """
## Rows of the audit of efficiencies

These names are used in `audit.json` and in `efficiency.audit.limits`. A name gives check, object, category and
quantity. Rows that name no model are about the ensemble's network.

| in names | |
|---|---|
| `<region>` | `1tag`, the leading jet is tagged, or `2tag`, the two leading jets are |
| `<pair>`, `<category>` | a pair of flavours such as `b_udsg`; a pair or `all` |
| `<process>` | a sample of `efficiency.events.transfer` or `efficiency.processes.transfer` |
| `<ensemble>`, `<network>` | the ensemble's network; this or one of `efficiency.comparisons` |
| `<model>`, `<not_map>` | a network, `map` or `map_delta_r`; the same without `map` |

| row | figure | needs |
|---|---|---|"""
TABLE = "| key | value | default | |\n|---|---|---|---|"
KINDS = {bool: "true or false", int: "whole number", float: "number", str: "text", NoneType: "null"}
RULES = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
CHECKS = {"_increasing": ", rising", "_parts_of_one": " > 0, < 1"}


def section_in(kind: Any) -> tuple[type[Section] | None, str]:
    """Return the section that a type holds, if any, and what follows the field's name in its keys."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind, ""
    model, suffix = next((pair for pair in map(section_in, get_args(kind)) if pair[0] is not None), (None, ""))
    return model, (".<name>" if get_origin(kind) is dict else "") + suffix


def description(field: FieldInfo, model: type[Section] | None) -> str:
    """Return the description of a field: its own, that of its type, or the first line on the section in it."""
    parts = [part for kind in get_args(field.annotation) for part in getattr(kind, "__metadata__", ())]
    texts = [field.description, *(part.description for part in parts if isinstance(part, FieldInfo))]
    texts += [inspect.cleandoc(model.__doc__ or "").splitlines()[0]] if model else []
    return next((text for text in texts if text), "")


def limits(metadata: Any) -> str:
    """Return the limits of a value, in words, without those of the machine's integers."""
    parts = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    given = [(sign, getattr(part, key)) for part in parts for key, sign in RULES.items() if hasattr(part, key)]
    bounds = ", ".join(f"{sign} {value:g}" for sign, value in given if value < 2**62)
    checks = "".join(CHECKS.get(getattr(getattr(part, "func", None), "__name__", ""), "") for part in parts)
    return checks + (f" {bounds}" if bounds else "")


def words(kind: Any, metadata: Any = ()) -> str:
    """Return what a value may be."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return words(parts[0], (*parts[1:], *metadata))
    if origin is Literal:
        return " or ".join(parts)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(words(part, () if part is NoneType else metadata) for part in parts))
    if origin is dict:
        value = words(parts[1])
        return f"by {words(parts[0]).replace('text', 'name')}: {f'({value})' if ' or ' in value else value}"
    if origin is tuple:
        number = "" if parts[-1] is Ellipsis else f" of {len(parts)}"
        return f"list{number} ({words(parts[0])}){limits(metadata)}"
    return KINDS[kind] + limits(metadata)


def default(field: FieldInfo) -> str:
    """Return the default as in YAML; long lists by their ends."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, tuple) and len(value) > 12:
        return f"`[{value[0]:g}, {value[1]:g}, ..., {value[-1]:g}]`, {len(value)} values"
    return f"`{json.dumps(value, default=lambda part: part.model_dump(exclude_unset=True), allow_nan=False)}`"


def line(*cells: str) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def section(path: str, model: type[Section], field: FieldInfo, places: dict[type[Section], str]) -> Iterator[str]:
    """Yield the lines on a section and on those in it; ``places`` has the sections that are described elsewhere."""
    yield f"\n## `{path}`\n"
    if (place := places.setdefault(model, path)) != path:
        yield f"The keys are those of `{place}`."
        return
    yield inspect.cleandoc(model.__doc__ or "").replace("``", "`")
    if (given := {"required": "Required.", "`null`": "Absent by default."}.get(default(field))) is not None:
        yield given
    yield f"\n{TABLE}"
    nested = []
    for name, key in model.model_fields.items():
        below, suffix = section_in(key.annotation)
        value = f"section{'s by name' if suffix else ''}, below" if below else words(key.annotation, key.metadata)
        about = re.sub(r"<(?=\w)", r"\<", description(key, below).replace("``", "`"))
        cells = f"`{path}.{name}`", value, "" if below and not key.is_required() else default(key), about
        yield line(*cells)
        nested += [(f"{path}.{name}{suffix}", below, key)] if below else []
    for place, below, key in nested:
        yield from section(place, below, key, places)


def default_of(kind: RowKind) -> str:
    """Return the limit that a row has if none is set, in words."""
    if kind.limit is None:
        return ""
    low, high = kind.limit if isinstance(kind.limit, tuple) else (None, kind.limit)
    bounds = [f"{word} {end:g}" for word, end in (("at least", low), ("at most", high)) if end is not None]
    return f"; limit if none is set: {' and '.join(bounds)}"


def text() -> str:
    """Return the whole document."""
    fields = [(name, *section_in(field.annotation), field) for name, field in Config.model_fields.items()]
    sections = [(f"{name}{suffix}", model, field) for name, model, suffix, field in fields if model is not None]
    places = {model: path for path, model, _ in sections}
    lines = [line for path, model, field in sections for line in section(path, model, field, places)]
    rows = [
        line(f"`{name.replace('{', '<').replace('}', '>')}`", kind.meaning + default_of(kind), ", ".join(kind.needs))
        for name, kind in ROWS.items()
    ]
    return (
        "\n".join(
            [
                HEAD,
                ALONE + ", ".join(f"`{name}`" for name in EfficiencyConfig.model_fields) + ".",
                *lines,
                AUDIT_ROWS,
                *rows,
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
