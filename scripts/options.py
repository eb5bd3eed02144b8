"""Write docs/options.md, all keys of a campaign file, from the schema: ``python scripts/options.py``."""

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
from deepsf.config.efficiency.audit_rows import ROWS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "options.md"
HEAD = f"""# Options

All keys of a campaign file. `python scripts/options.py` makes this page from the schema, `analysis/config/`.

`<name>` stands for names of the file's own. `null` takes an optional section or value away. `extends: FILE.yaml` takes
another file and changes what follows. A file with `efficiency.toy` has no other sections than
{", ".join(f"`{name}`" for name in EfficiencyConfig.model_fields)}.
"""
AUDIT_ROWS = """
## Rows of the audit of efficiencies

Names of `efficiency.audit.limits` and of the rows of `audit.json`: check, what is looked at, category, quantity. Rows
that name no model are of the ensemble's network. `<region>` is `1tag` or `2tag` (leading jets tagged), `<pair>` a pair
of flavours such as `b_udsg`, `<category>` a pair or `all`, `<ensemble>` the ensemble's network, `<network>` that or one
of `efficiency.comparisons`, `<model>` also `map` or `map_delta_r`, `<not_map>` all but `map`.

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
    found = next((pair for pair in map(section_in, get_args(kind)) if pair[0] is not None), (None, ""))
    return found[0], (".<name>" if get_origin(kind) is dict else "") + found[1]


def limits(metadata: Any) -> str:
    """Return the limits of a value, in words; those that are there for the machine's sake are left out."""
    parts = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    given = [(sign, getattr(part, key)) for part in parts for key, sign in RULES.items() if hasattr(part, key)]
    found = ", ".join(f"{sign} {value:g}" for sign, value in given if value < 2**62)
    checks = "".join(CHECKS.get(getattr(getattr(part, "func", None), "__name__", ""), "") for part in parts)
    return checks + (f" {found}" if found else "")


def words(kind: Any, metadata: Any = ()) -> str:
    """Return what a value may be."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return words(parts[0], (*parts[1:], *metadata))
    if origin is Literal:
        return " or ".join(parts)
    if origin in (Union, UnionType):
        return " or ".join(words(part, () if part is NoneType else metadata) for part in parts)
    if origin is dict:
        return f"by {words(parts[0]).replace('text', 'name')}: {words(parts[1])}"
    if origin is tuple:
        of, number = words(parts[0]), "" if parts[-1] is Ellipsis else f" of {len(parts)}"
        return f"list{number} ({of}){limits(metadata)}"
    return KINDS[kind] + limits(metadata)


def default(field: FieldInfo) -> str:
    """Return the default as in YAML; long lists by their ends."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, tuple) and len(value) > 12:
        return f"`[{value[0]:g}, {value[1]:g}, ..., {value[-1]:g}]`, {len(value)} values"
    return f"`{json.dumps(value, default=lambda part: part.model_dump(exclude_unset=True))}`"


def line(*cells: str) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def section(path: str, model: type[Section], field: FieldInfo, places: dict[type[Section], str]) -> Iterator[str]:
    """Yield the lines on a section and on those in it; ``places`` has the sections that are described elsewhere."""
    yield f"\n## `{path}`\n"
    if (place := places.setdefault(model, path)) != path:
        yield f"Keys as of `{place}`."
        return
    yield inspect.cleandoc(model.__doc__ or "").replace("``", "`")
    if (given := {"required": "Required.", "`null`": "Not there by default."}.get(default(field))) is not None:
        yield given
    yield f"\n{TABLE}"
    nested = []
    for name, own in model.model_fields.items():
        below, suffix = section_in(own.annotation)
        value = f"section{'s by name' if suffix else ''}, below" if below else words(own.annotation, own.metadata)
        about = re.sub(r"<(?=\w)", r"\<", own.description or "")
        cells = f"`{path}.{name}`", value, "" if below and not own.is_required() else default(own), about
        yield line(*cells)
        nested += [(f"{path}.{name}{suffix}", below, own)] if below else []
    for place, below, own in nested:
        yield from section(place, below, own, places)


def text() -> str:
    """Return the whole document."""
    found = [(name, *section_in(field.annotation), field) for name, field in Config.model_fields.items()]
    known = [(f"{name}{suffix}", model, field) for name, model, suffix, field in found if model is not None]
    places = {model: path for path, model, _ in known}
    lines = [line for path, model, field in known for line in section(path, model, field, places)]
    rows = [
        line(f"`{name.replace('{', '<').replace('}', '>')}`", kind.meaning, ", ".join(kind.needs))
        for name, kind in ROWS.items()
    ]
    return "\n".join([HEAD.rstrip(), *lines, AUDIT_ROWS, *rows]) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
