"""Jets from numpy or awkward arrays of any one structure, and results in that structure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import awkward as ak
import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.jets import INVALID, flavour_index
from deepsf.probes.entries import Jets


def at_jets(
    flavour: Any,
    fields: Mapping[str, Any],
    hadron_flavours: Mapping[str, Sequence[int]],
    function: Callable[[Jets, Ints], Iterable[Any]],
    may_be_nan: Collection[str] = ("discriminant",),
) -> list[Any]:
    """Return what a function makes of flat jets and their flavours, each array in the structure of the input.

    Parameters
    ----------
    flavour
        Name of a flavour for all jets, or the hadron-flavour code of each jet.
    fields
        ``pt`` [GeV], ``abseta``, ``discriminant`` and further inputs by name.
    function
        Takes jets and their indices among ``hadron_flavours``, shape ``(n,)``; returns arrays of that shape.
    may_be_nan
        Fields in which NaN is an invalid value, as is one below a limit; infinity is not.

    Raises
    ------
    ValueError
        For an unknown flavour, or values that no jet has.
    """
    arrays = dict(zip(fields, ak.broadcast_arrays(*(ak.Array(_at_least_1d(v)) for v in fields.values())), strict=True))
    named = isinstance(flavour, str)
    codes = ak.broadcast_arrays(arrays["pt"], ak.Array(_at_least_1d(0 if named else flavour)))[1]
    flat = {name: ak.to_numpy(ak.flatten(values, axis=None)).astype(np.float32) for name, values in arrays.items()}
    index = _flavour_index(flavour, ak.to_numpy(ak.flatten(codes, axis=None)), hadron_flavours)
    result = function(_checked_jets(flat, may_be_nan), index)
    if any(isinstance(value, ak.Array) for value in (flavour, *fields.values())):
        return [_restructure(values, arrays["pt"]) for values in result]
    shape = np.broadcast_shapes(*(np.shape(v) for v in ((0 if named else flavour), *fields.values())))
    return [values.reshape(shape) for values in result]


def _flavour_index(flavour: Any, codes: Any, hadron_flavours: Mapping[str, Sequence[int]]) -> Any:
    names = list(hadron_flavours)
    if isinstance(flavour, str):
        if flavour not in names:
            raise ValueError(f"flavour {flavour!r} is none of {names}")
        return np.full(len(codes), names.index(flavour))
    return flavour_index(codes, hadron_flavours, "jets")


def _checked_jets(flat: Mapping[str, Any], may_be_nan: Collection[str]) -> Jets:
    extra = {name: values for name, values in flat.items() if name not in ("pt", "abseta", "discriminant")}
    for name, values in flat.items():
        if bad := np.count_nonzero(np.isposinf(values) if name in may_be_nan else ~np.isfinite(values)):
            raise ValueError(f"{name} is not finite for {bad} of {len(values)} jets; drop these jets")
    if not (flat["abseta"] >= 0).all():
        raise ValueError("abseta must be the absolute value of eta, got negative numbers")
    if not (flat["pt"] > 0).all():
        raise ValueError("pt must be above 0 [GeV], got other numbers")
    score = flat["discriminant"]
    valid = np.where(np.isnan(score) | (score < 0), np.float32(INVALID), score)
    return Jets(flat["pt"], flat["abseta"], valid, np.zeros(len(valid), np.int8), extra)


def _at_least_1d(value: Any) -> Any:
    return value if isinstance(value, ak.Array) else np.atleast_1d(value)


def _restructure(values: Floats, like: ak.Array) -> ak.Array:
    """Return flat values with the nesting of ``like``."""
    remaining = iter([values])
    return cast(
        ak.Array,
        ak.transform(
            lambda layout, **_: ak.contents.NumpyArray(next(remaining)) if layout.is_numpy else None, ak.to_packed(like)
        ),
    )
