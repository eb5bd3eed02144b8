"""Errors of flavours whose scale factor is not measured but 1: c jets of the CMS measurement (arXiv:1712.07158)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.binned.shifts import linear, quadratic, source_of

SCALE = 2.0
"""Errors are this factor times the deviations of the flavour that they are taken from (arXiv:1712.07158: 2)."""


def is_counted(shift: str, shifts: Iterable[str], contaminations: Iterable[str], region: str) -> bool:
    """Return whether the deviations of a shift enter the error.

    Those are all but: purity shifts of the flavour's contamination of *other* regions (``hf`` for b jets), statistical
    shapes of other regions, eigenvectors (statistics again), and the total of the JES where its sources are there.

    Parameters
    ----------
    shifts
        Names of all shifts.
    contaminations
        Sources that scale the contamination of other regions.
    region
        Region that enriches the flavour.
    """
    source, sources = source_of(shift), {source_of(name) for name in shifts}
    if source in contaminations:
        return False
    if "stats" in source:
        return source.startswith(f"{region}stats")
    if source.startswith("stat") and source.removeprefix("stat").isdigit():
        return False
    split_jes = any(name.startswith("jes") and name != "jesTotal" for name in sources)
    return not (source == "jesTotal" and split_jes)


def error(nominal: Floats, shifted: Iterable[Floats], measured: Bools) -> tuple[Floats, Floats]:
    """Return the error upwards and downwards in every bin, shapes of ``nominal``.

    Relative deviations of shifts are added in quadrature by their sign and doubled; an error is at least as large as
    the distance of the nominal from 1 on its side.

    Parameters
    ----------
    nominal, shifted
        Normalised scale factors of the flavour that the error is taken from.
    measured
        Bins that are; the others do not deviate, nor do those of scale factor 0.
    """
    used = measured & (nominal != 0.0)
    squares = np.zeros((2, *nominal.shape))
    for values in shifted:
        deviation = np.divide(values, nominal, out=np.ones_like(nominal), where=used) - 1.0
        squares += np.square(np.stack([np.maximum(deviation, 0.0), np.minimum(deviation, 0.0)]))
    distance = np.where(measured, nominal - 1.0, 0.0)
    up, down = SCALE * np.sqrt(squares)
    return np.maximum(up, distance), np.maximum(down, -distance)


def variations(up: Floats, down: Floats, position: Floats) -> Mapping[str, Floats]:
    """Return the scale factors of ``cferr1`` and ``cferr2`` up and down, shapes of ``up``; never below 0.

    With e the larger of the two errors and x the discriminant of the bin, they are 1 +- e(1 - 2x) and
    1 +- e(1 - 6x(1 - x)). Invalid scores, the first bin, have their own errors in ``cferr1`` and none in ``cferr2``.
    """
    symmetric = np.maximum(up, down)
    steps = {"cferr1": symmetric * linear(position), "cferr2": symmetric * quadratic(position)}
    varied = {}
    for source, step in steps.items():
        varied[f"{source}_up"], varied[f"{source}_down"] = 1.0 + step, 1.0 - step
    varied["cferr1_up"][..., 0], varied["cferr1_down"][..., 0] = 1.0 + up[..., 0], 1.0 - down[..., 0]
    varied["cferr2_up"][..., 0] = varied["cferr2_down"][..., 0] = 1.0
    return {name: np.maximum(values, 0.0) for name, values in varied.items()}
