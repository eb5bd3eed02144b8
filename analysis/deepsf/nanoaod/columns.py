"""Flat columns of branches: structure and values are checked before compiled code or a cast can see them.

A file may be damaged in a way that its codec does not notice, and custom files may hold anything. Nothing is cast that
would not survive it, and lists whose limits do not rise are refused: compiled code does not check them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from deepsf.arrays import Array, Ints
from deepsf.nanoaod.root_file import NtupleError, UnreadableError

PHI_MAX = 3.2
"""Azimuths lie within +-pi; NanoAOD's rounding exceeds it by less than this."""


class Collection(NamedTuple):
    """Objects of all events of a chunk in a row; event i owns ``offsets[i]:offsets[i + 1]`` of every column."""

    offsets: Array
    columns: dict[str, Array]

    def of_events(self, position: Array) -> tuple[Ints, Ints]:
        """Return the index of each object of the events at the given positions, and the row of its event among these.

        Shapes (m,) for m objects; ``position`` has the shape (n,).
        """
        first = self.offsets[position]
        count = self.offsets[position + 1] - first
        row = np.repeat(np.arange(len(position)), count)
        return np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum()), row


def per_event(path: str, branch: str, array: ak.Array, dtype: Any) -> Array:
    """Return a branch of one number an event, shape (n,), as ``dtype``; raises an NtupleError as `flat` does."""
    if array.layout.is_list:
        raise NtupleError(
            f"{path}: branch {branch} is a list in every event, not one number; name another branch, or take the file "
            "off the sample"
        )
    return flat(path, branch, array, dtype)


def flat(path: str, branch: str, array: ak.Array, dtype: Any) -> Array:
    """Return the content of a branch without its list structure, as ``dtype``.

    Floating-point numbers may be rounded. Everything else must survive the cast.

    Raises
    ------
    NtupleError
        If values do not fit the type, or the branch holds something else than numbers, or lists of lists.
    """
    return _content(path, branch, array, dtype, offsets(path, branch, array) if array.layout.is_list else None)


def _content(path: str, branch: str, array: ak.Array, dtype: Any, limits: Array | None) -> Array:
    """Return what `flat` returns, given the limits of the lists, None if there are none."""
    layout = array.layout
    if limits is not None:
        layout = layout.content[int(layout.offsets[0]) : int(layout.offsets[0]) + int(limits[-1])]
    if not layout.is_numpy:
        raise NtupleError(
            f"{path}: branch {branch} holds {array.type.content}, not one number an object; name another branch"
        )
    values = np.asarray(layout.data)
    if values.dtype == dtype:
        return np.ascontiguousarray(values)
    with np.errstate(invalid="ignore", over="ignore"):
        cast = np.ascontiguousarray(values, dtype=dtype)
        if np.issubdtype(cast.dtype, np.floating):
            lost = np.isfinite(values) & ~np.isfinite(cast)
        elif values.dtype == np.bool_ or np.can_cast(values.dtype, cast.dtype):
            return cast
        else:
            lost = (cast.astype(values.dtype) != values) | ((cast < 0) != (values < 0))
    if lost.any():
        raise NtupleError(
            f"{path}: branch {branch} is {values[lost][0]!s} for {np.count_nonzero(lost)} of {len(lost)} values, which "
            f"{cast.dtype} cannot hold; take the file off the sample, or make it again"
        )
    return cast


def offsets(path: str, branch: str, array: ak.Array) -> Array:
    """Return the limits of the lists of a branch, shape (n + 1,), int64, from 0 on.

    Raises
    ------
    NtupleError
        If the branch has no lists, or their limits do not rise within the content.
    """
    layout = array.layout
    if not layout.is_list:
        raise NtupleError(
            f"{path}: branch {branch} is one number an event, not a list; name another branch, or copy the file again"
        )
    limits = np.asarray(layout.offsets.data, np.int64)
    steps = np.diff(limits)
    if limits[0] < 0 or limits[-1] > len(layout.content) or (len(steps) and steps.min() < 0):
        bad = int(np.argmax(steps < 0)) if len(steps) and steps.min() < 0 else len(steps)
        raise UnreadableError(
            f"{path}: branch {branch} is corrupt, its offsets do not rise within its {len(layout.content)} values "
            f"(first at event {bad} of the chunk); copy the file again or take it off the sample"
        )
    return np.asarray(limits - limits[0])


def collection(path: str, name: str, branches: Mapping[str, tuple[str, ak.Array, Any]]) -> Collection:
    """Return a collection from its branches, by column: name of the branch, array, and type to have.

    Raises
    ------
    NtupleError
        If the branches differ in the number of objects of an event.
    """
    limits: Array | None = None
    first = ""
    for branch, array, _ in branches.values():
        if limits is not None and _has_limits(array, limits):
            continue
        of_branch = offsets(path, branch, array)
        if limits is None:
            limits, first = of_branch, branch
        elif not np.array_equal(of_branch, limits):
            differ = np.flatnonzero(np.diff(of_branch) != np.diff(limits)) if len(of_branch) == len(limits) else [0]
            raise NtupleError(
                f"{path}: branches {first} and {branch} of one collection differ in length (first at event "
                f"{int(differ[0])} of the chunk): the file is corrupt, or {branch} is not one value a {name}; copy the "
                "file again, or correct tagger.branch, selection.jet_columns and selection.branches"
            )
    assert limits is not None
    columns = {
        column: _content(path, branch, array, dtype, limits) for column, (branch, array, dtype) in branches.items()
    }
    return Collection(limits, columns)


def _has_limits(array: ak.Array, limits: Array) -> bool:
    """Return whether lists have limits that were found to be right, which is quicker than to look at them again."""
    stored = array.layout
    return bool(
        stored.is_list and len(stored.content) >= limits[-1] and np.array_equal(np.asarray(stored.offsets.data), limits)
    )


def require_finite(path: str, branch: str, values: Array, way_out: str = "take the file off the sample") -> None:
    """Raise an NtupleError if values of a branch are not finite."""
    if not np.issubdtype(values.dtype, np.floating):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.sum(values)  # one pass, no mask, where all is well
    if not np.isfinite(total):
        finite = np.isfinite(values)
        if not finite.all():
            raise NtupleError(
                f"{path}: branch {branch} is not finite for {np.count_nonzero(~finite)} of {len(values)} values; "
                f"{way_out}, or make it again"
            )


def require_between(path: str, branch: str, values: Array, limits: tuple[float, float], rule: str) -> None:
    """Raise an NtupleError if finite values of a branch are not within limits, both included."""
    low, high = limits
    if len(values) and not (low <= values.min() and values.max() <= high):
        bad = (values < low) | (values > high)
        raise NtupleError(
            f"{path}: branch {branch} is {values[bad][0]:g} for {np.count_nonzero(bad)} of {len(values)} values; "
            f"{rule}; take the file off the sample, or make it again"
        )


def require_azimuths(path: str, branch: str, values: Array) -> None:
    """Raise an NtupleError if finite values of a branch are no azimuths."""
    require_between(path, branch, values, (-PHI_MAX, PHI_MAX), "azimuths lie between -pi and pi")
