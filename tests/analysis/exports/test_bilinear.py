"""Coefficients of bilinear cells."""

from __future__ import annotations

import numpy as np

from deepsf.exports.bilinear import bilinear_coefficients


def test_a_bilinear_function_has_its_coefficients_in_every_cell():
    u, z = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.5])
    # 3 - 2 z + 5 u + 7 u z, and twice that
    values = 3 - 2 * z + 5 * u[:, None] + 7 * u[:, None] * z
    found = bilinear_coefficients(u, z, np.stack([values, 2 * values], axis=-1))
    assert found.shape == (2, 1, 2, 4)
    np.testing.assert_allclose(found, np.broadcast_to([[3, -2, 5, 7], [6, -4, 10, 14]], found.shape), atol=1e-12)
