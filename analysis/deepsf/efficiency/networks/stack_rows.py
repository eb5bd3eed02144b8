"""Short rows of numbers in compiled functions, of which the compiler knows that nothing else points to them.

A loop over features that adds to arrays is vectorised only behind checks that they do not overlap, and those take
longer than a loop over 32 features. A row on the stack needs no check, and stays in registers where there are enough.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import carray, njit, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic

from deepsf.arrays import Singles

WIDTH = 32
"""Features of a row: a multiple of what registers hold (16 with AVX-512), and the units of the default network."""


@intrinsic
def _allocate(_: Any) -> Any:
    def code(__: Any, builder: Any, ___: Any, ____: Any) -> Any:
        row = cgutils.alloca_once(builder, ir.ArrayType(ir.FloatType(), WIDTH))  # type: ignore[no-untyped-call]
        return builder.bitcast(row, ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(), code  # type: ignore[no-untyped-call]


@njit(cache=True, inline="always")
def stack_row() -> Singles:
    """Return a float32 row ``(WIDTH,)`` of any content; compiled functions alone can call it."""
    return carray(_allocate(), (WIDTH,))  # type: ignore[call-arg]
