"""What all parts say alike about a jet: a score that is none, and its flavour by the hadron-flavour code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

INVALID = -1.0
"""The discriminant of a jet without a valid score."""


def flavour_index(
    codes: npt.NDArray[Any], hadron_flavours: Mapping[str, Sequence[int]], where: str
) -> npt.NDArray[np.int8]:
    """Return the index of each jet's flavour among ``hadron_flavours``, shape ``(n,)``.

    Raises
    ------
    ValueError
        With the place ``where``, the codes that belong to no flavour, and how many jets have each.
    """
    index = np.full(len(codes), -1, np.int8)
    for number, of_flavour in enumerate(hadron_flavours.values()):
        index[np.isin(codes, of_flavour)] = number
    if (index < 0).any():
        counts = ", ".join(f"{code} ({n} jets)" for code, n in sorted(Counter(codes[index < 0].tolist()).items()))
        raise ValueError(
            f"{where}: hadron flavours {counts} belong to none of the flavours {dict(hadron_flavours)}; add them to one"
        )
    return index
