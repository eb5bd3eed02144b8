"""One correction of a file: checked when it is read, evaluated with its inputs by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepsf.arrays import Bools, Floats, Ints
from deepsf.corrections import nodes
from deepsf.corrections.nodes import Tree
from deepsf.corrections.text import read_text
from deepsf.reading import in_words

if TYPE_CHECKING:
    import correctionlib

SHAPE_INPUTS = {"systematic": "string", "flavor": "int", "abseta": "real", "pt": "real", "discriminant": "real"}
"""Inputs of scale factors of a discriminant, with their types, as in the files of CMS; they may come in any order."""


class CorrectionFileError(ValueError):
    """A file of corrections is of no use; the message names the file, what is wrong with it, and the way out."""


@dataclass(frozen=True)
class Correction:
    """A correction as plain lists and dictionaries, and as correctionlib evaluates it.

    Attributes
    ----------
    where
        File and correction, for messages.
    """

    where: str
    tree: Tree = field(repr=False)
    evaluator: correctionlib.highlevel.Correction

    @classmethod
    def load(cls, path: Path, name: str | None = None) -> Correction:
        """Return one correction of a file, the only one if no name is given.

        Raises
        ------
        CorrectionFileError
            If the file cannot be read, holds no such correction, or one that cannot be evaluated.
        """
        return cls.of_tree(read_tree(path, name), str(path))

    @classmethod
    def of_tree(cls, tree: Tree, file: str = "") -> Correction:
        """Return a correction that is plain lists and dictionaries, of the file that messages are to name.

        Raises
        ------
        CorrectionFileError
            If it cannot be evaluated.
        """
        import correctionlib

        where = f"{file}, correction {tree.get('name')}".removeprefix(", ")
        try:
            text = json.dumps({"schema_version": 2, "corrections": [tree]}, allow_nan=False)
            nodes.check(tree)
            (evaluator,) = correctionlib.CorrectionSet.from_string(text).values()
        except Exception as error:  # correctionlib raises many types
            is_newer = "Unrecognized Content object nodetype" in str(error)
            way_out = "update correctionlib, networks need 2.9 or newer" if is_newer else "take a correct file"
            raise CorrectionFileError(f"{where}: cannot be evaluated ({in_words(error)}); {way_out}") from error
        return cls(where, tree, evaluator)

    def validated(self) -> Correction:
        """Return the correction itself if it complies with correctionlib's schema; this loads pydantic.

        Raises
        ------
        CorrectionFileError
            If it does not.
        """
        import pydantic
        from correctionlib import schemav2

        try:
            schemav2.Correction.model_validate(self.tree)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise CorrectionFileError(
                f"{self.where}: against the schema of correctionlib ({place}: {first['msg']}); take a correct file"
            ) from None
        return self

    @property
    def inputs(self) -> dict[str, str]:
        """Types of the inputs by name, in the order of the correction."""
        return {variable.name: variable.type for variable in self.evaluator.inputs}

    def require_inputs(self, wanted: Mapping[str, str], optional: tuple[str, ...] = ()) -> None:
        """Refuse a correction of other inputs; their order does not matter.

        Raises
        ------
        CorrectionFileError
            If an input is missing, unknown, or of another type.
        """
        needed = {name: kind for name, kind in wanted.items() if name not in optional or name in self.inputs}
        if self.inputs != needed:
            found, right = (", ".join(f"{name} ({kind})" for name, kind in of.items()) for of in (self.inputs, wanted))
            raise CorrectionFileError(f"{self.where}: its inputs are {found}; take a correction of {right}")

    def evaluate(self, columns: Mapping[str, Any]) -> Floats:
        """Return the value of each row, shape ``(n,)``.

        Parameters
        ----------
        columns
            The inputs by name, arrays ``(n,)`` or one value for all rows; those that the correction lacks are ignored.

        Raises
        ------
        ValueError
            If the correction has no value for a row, where the message names the input, its value and what it may be;
            or a value is not finite.
        """
        try:
            values = np.asarray(self.evaluator.evaluate(*(columns[name] for name in self.inputs)), np.float64)
        except (IndexError, RuntimeError) as error:
            raise ValueError(f"{self.evaluator.name}: {self._reason(columns) or error}") from error
        if (bad := ~np.isfinite(values)).any():
            raise ValueError(
                f"{self.evaluator.name}: gives {values[bad][0]} for {np.count_nonzero(bad)} jets; take a correct file"
            )
        return values

    def scale_factor(self, columns: Mapping[str, Any]) -> Floats:
        """Return the scale factor of each jet, as `evaluate` does, for a correction of ``discriminant``.

        Jets of a negative discriminant, those without a valid score, have 1 where the correction refuses it: the tables
        of run 3 begin at 0.
        """
        invalid = np.flatnonzero(np.asarray(columns["discriminant"]) < 0)
        has_value = np.ones(np.shape(columns["discriminant"]), bool)
        if len(invalid):
            for refusal in nodes.refusals(self.tree["data"], _rows(columns, invalid)):
                if refusal.input == "discriminant":
                    has_value[invalid[refusal.rows]] = False
        values = np.ones(has_value.shape)
        if has_value.any():
            values[has_value] = self.evaluate(_rows(columns, has_value))
        return values

    def _reason(self, columns: Mapping[str, Any]) -> str:
        refused = nodes.refusals(self.tree["data"], columns)
        if not refused:
            return ""
        first = refused[0]
        value = first.values[0] if first.values.dtype.kind == "U" else f"{first.values[0]:g}"
        return (
            f"{first.input} {value} is {first.allowed} ({len(first.rows)} jets); select jets that the "
            "correction is made for"
        )


def _rows(columns: Mapping[str, Any], chosen: Ints | Bools) -> dict[str, Any]:
    return {name: values[chosen] if np.ndim(values) else values for name, values in columns.items()}


def read_tree(path: Path, name: str | None = None) -> Tree:
    """Return one correction of a file as plain lists and dictionaries, the only one if no name is given.

    Raises
    ------
    CorrectionFileError
        If the file cannot be read, is of another version of the schema, or holds no such correction.
    """
    try:
        content = json.loads(read_text(path), parse_constant=_refuse)
        trees: dict[str, Tree]
        found, trees = content["schema_version"], {tree["name"]: tree for tree in content["corrections"]}
    except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else in_words(error)
        raise CorrectionFileError(f"{path}: not a readable correctionlib file ({what}); give another file") from None
    if found != 2:
        raise CorrectionFileError(f"{path}: schema version {found} of correctionlib; version 2 is read: convert it")
    wanted = next(iter(trees)) if name is None and len(trees) == 1 else name
    if wanted not in trees:
        raise CorrectionFileError(f"{path}: no correction {name!r}; name one of {sorted(trees)}")
    return trees[wanted]


def _refuse(constant: str) -> None:
    raise ValueError(f"it holds the number {constant}, which is not finite")
