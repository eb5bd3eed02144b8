"""Guards that NaN does not pass: they ask for what is right, since every comparison with NaN is false.

``if total <= 0: raise`` lets NaN through, ``if not total > 0: raise`` does not. A test finds guards of the first kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def is_positive(values: Any) -> Any:
    """Return which numbers are above 0 and finite, in the shape of ``values``."""
    return (np.asarray(values) > 0) & (np.asarray(values) < np.inf)


def require_finite(what: str, values: Any, way_out: str) -> None:
    """Refuse numbers that are not finite.

    Raises
    ------
    ValueError
        If there are any; the message has their number, and says how to go on.
    """
    if bad := int(np.count_nonzero(~np.isfinite(values))):
        raise ValueError(f"{what}: {bad} of {np.size(values)} values are not finite; {way_out}")
