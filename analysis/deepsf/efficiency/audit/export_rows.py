"""Agreement of exported files with their sources, as rows of the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from deepsf.arrays import Reals
from deepsf.corrections.correction import Correction
from deepsf.efficiency.audit.rows import Rows, row
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.non_closure.cells import NonClosures

_EVENTS_MAX = 20_000


def agreement_rows(
    maps_path: Path,
    network_path: Path,
    *,
    maps: Mapping[str, EfficiencyMap],
    ensemble: EfficiencyEnsemble,
    hadron_flavours: Mapping[str, Sequence[int]],
    events: JetEvents,
    non_closure: NonClosures | None = None,
) -> Rows:
    """Return the largest difference of efficiencies between each exported file and its source.

    Parameters
    ----------
    maps
        By the names of their corrections.
    events
        The first of them are compared, single jets and all multiplicities among them.
    non_closure
        Of the ensemble; the exported one is compared with it, too.
    """
    some, file = events.select(np.arange(len(events)) < _EVENTS_MAX), OnnxEfficiencies(network_path)
    exported, source = file.evaluate(some), ensemble.evaluate(some)
    compared: list[tuple[Reals, Reals]] = [(exported.mean, source.mean), (exported.spread, source.spread)]
    if non_closure is not None:
        # a file that lacks it agrees with nothing
        lacking = np.full(source.mean.shape, np.inf)
        of_file = lacking if exported.non_closure is None else exported.non_closure
        compared.append((of_file, non_closure.errors(some, source.mean)))
    # where the non-closure is not known, neither is that of the file
    network = max(
        float(np.max(np.where(np.isnan(one) & np.isnan(other), 0.0, np.abs(one - other)), initial=0.0))
        for one, other in compared
    )
    of_maps = _maps_difference(maps_path, maps, hadron_flavours, some)
    return {**row("export.onnx", network), **row("export.correctionlib", of_maps)}


def _maps_difference(
    path: Path, maps: Mapping[str, EfficiencyMap], hadron_flavours: Mapping[str, Sequence[int]], events: JetEvents
) -> float:
    codes = np.array([hadron_flavours[flavour][0] for flavour in events.flavours], np.int64)[events.flavour]
    kinematics = {"eta": events.eta, "pt": events.pt_gev, "delta_r": closest_jet(events)[0]}
    columns = {"flavor": codes, **{name: values.astype(np.float64) for name, values in kinematics.items()}}
    largest = 0.0
    for name, fitted in maps.items():
        expected, correction = fitted.evaluate(events), Correction.load(path, name)
        for number, point in enumerate(events.working_points):
            exported = correction.evaluate({**columns, "systematic": "nominal", "working_point": point})
            largest = max(largest, float(np.max(np.abs(exported - expected[:, number]), initial=0.0)))
    return largest
