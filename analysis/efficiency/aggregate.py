"""Efficiencies of all models at the jets of a sample: what members make of it, evaluated once and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import safetensors.numpy
from safetensors import safe_open

from analysis.efficiency.events import Floats32, JetEvents

if TYPE_CHECKING:
    from analysis.efficiency.ensemble import EfficiencyEnsemble
    from analysis.efficiency.maps import EfficiencyMap

CROSS_FIT_FOLDS = 2
"""Events with an even number, and those with an odd one."""


class ModelEfficiencies(NamedTuple):
    """Efficiencies of one model at all jets of a sample.

    Attributes
    ----------
    mean
        float32, (n_jets, K): mean over members, or the map.
    spread
        float32, (n_jets, K): standard deviation over members, not divided by the root of their number; None for maps.
    members
        float32, (n_members, n_jets, K); None where only the mean is kept.
    """

    mean: Floats32
    spread: Floats32 | None = None
    members: Floats32 | None = None


def of_ensemble(ensemble: EfficiencyEnsemble, events: JetEvents, *, keep_members: bool) -> ModelEfficiencies:
    """Return mean and spread over the members of an ensemble, and what each of them says if that is kept."""
    if keep_members:
        return _of_members(ensemble.members(events), ensemble.n_members, events)
    found = ensemble.evaluate(events)
    return ModelEfficiencies(found.mean, found.spread)


def cross_fitted(folds: Sequence[EfficiencyEnsemble], events: JetEvents) -> ModelEfficiencies:
    """Return efficiencies of events that were trained on, from members that never saw them.

    Parameters
    ----------
    folds
        Ensembles trained on events whose number gives 0, 1, ... modulo the number of folds; all of one size.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or their numbers of members differ.
    """
    if len(folds) < CROSS_FIT_FOLDS or len({fold.n_members for fold in folds}) > 1:
        sizes = [fold.n_members for fold in folds]
        raise ValueError(f"a cross-fit needs at least {CROSS_FIT_FOLDS} folds of equal size, got members {sizes}")
    n_points = len(events.working_points)
    members = np.empty((folds[0].n_members, len(events.pt_gev), n_points), np.float32)
    fold_of_event = events.event % np.uint64(len(folds))
    for number in range(len(folds)):
        chosen = fold_of_event == number
        jets = np.repeat(chosen, events.n_jets)
        part = events.select(chosen)
        others = [fold for other, fold in enumerate(folds) if other != number]
        # with two folds there is one other; with more, member k of all others is averaged
        stacked = [np.stack(list(fold.members(part))) for fold in others]
        members[:, jets] = np.mean(stacked, axis=0)
    spread = members.std(axis=0, ddof=1) if len(members) > 1 else None
    return ModelEfficiencies(members.mean(axis=0), spread, members)


def of_map(efficiency_map: EfficiencyMap, events: JetEvents) -> ModelEfficiencies:
    """Return what a map says."""
    return ModelEfficiencies(efficiency_map.evaluate(events).astype(np.float32))


def write(path: Path, models: Mapping[str, ModelEfficiencies]) -> None:
    """Write all models into one file of tensors ``<model>/mean``, ``/spread``, ``/members``."""
    tensors = {
        f"{name}/{key}": np.ascontiguousarray(value)
        for name, model in models.items()
        for key, value in model._asdict().items()
        if value is not None
    }
    # not save_file, which gives the file to its owner alone
    path.write_bytes(safetensors.numpy.save(tensors, {"deepsf": json.dumps({"models": list(models)})}))


def read(path: Path) -> dict[str, ModelEfficiencies]:
    """Read what `write` wrote, models in the order in which they were written.

    Raises
    ------
    ValueError
        If the file is not one of efficiencies.
    """
    with safe_open(path, framework="np") as stored:
        metadata = stored.metadata() or {}
        if "deepsf" not in metadata:
            raise ValueError(f"{path}: not a file of efficiencies")
        names = set(stored.keys())
        return {
            model: ModelEfficiencies(
                **{
                    key: stored.get_tensor(f"{model}/{key}")
                    for key in ModelEfficiencies._fields
                    if f"{model}/{key}" in names
                }
            )
            for model in json.loads(metadata["deepsf"])["models"]
        }


def _of_members(values: Iterator[Floats32], n_members: int, events: JetEvents) -> ModelEfficiencies:
    members = np.empty((n_members, len(events.pt_gev), len(events.working_points)), np.float32)
    for number, member in enumerate(values):
        members[number] = member
    mean = members.mean(axis=0, dtype=np.float64)
    spread = np.sqrt(np.mean((members - mean.astype(np.float32)) ** 2, axis=0, dtype=np.float64))
    spread *= np.sqrt(n_members / max(n_members - 1, 1))
    return ModelEfficiencies(mean.astype(np.float32), spread.astype(np.float32), members)
