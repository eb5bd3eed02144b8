"""Rows on the stack of compiled functions."""

from __future__ import annotations

import numpy as np
from numba import njit

from deepsf.efficiency.networks.stack_rows import WIDTH, stack_row


@njit
def _two_rows(values, total):
    one, two = stack_row(), stack_row()
    for h in range(WIDTH):
        one[h], two[h] = values[h], np.float32(2) * values[h]
    for h in range(WIDTH):
        one[h] += two[h]
        total[h] = one[h]


def test_rows_are_apart_from_each_other_and_hold_what_is_written():
    values, total = np.arange(WIDTH, dtype=np.float32), np.empty(WIDTH, np.float32)
    _two_rows(values, total)
    assert total.tolist() == (3 * values).tolist()
