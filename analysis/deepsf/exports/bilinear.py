"""Functions that are linear in two variables in every cell between nodes, as coefficients of a formula."""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Floats


def bilinear_coefficients(u: Floats, z: Floats, values: Floats) -> Floats:
    """Return the coefficients of 1, z, u and u z in each cell.

    Parameters
    ----------
    u, z
        Nodes, rising, shapes ``(n_u,)`` and ``(n_z,)``.
    values
        At the nodes, shape ``(n_u, n_z, ...)``.

    Returns
    -------
    numpy.ndarray
        Of shape ``(n_u - 1, n_z - 1, ..., 4)``.
    """
    further = (1,) * (values.ndim - 2)
    u0, du = (axis.reshape(-1, 1, *further) for axis in (u[:-1], np.diff(u)))
    z0, dz = (axis.reshape(1, -1, *further) for axis in (z[:-1], np.diff(z)))
    first = values[:-1, :-1]
    along_u, along_z = (values[1:, :-1] - first) / du, (values[:-1, 1:] - first) / dz
    mixed = (values[1:, 1:] - values[1:, :-1] - values[:-1, 1:] + first) / (du * dz)
    of_u, of_z = along_u - mixed * z0, along_z - mixed * u0
    return np.stack([first - of_u * u0 - of_z * z0 - mixed * u0 * z0, of_z, of_u, mixed], axis=-1)
