"""Efficiencies of all models at the jets of a sample: evaluated once, with their members, and stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf import tensor_files
from deepsf.arrays import Bools, Singles
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.folds import CROSS_FIT_FOLDS, Fold, fold_of_events
from deepsf.tensor_files import Header, Layout, Tensors, check_layout

if TYPE_CHECKING:
    from deepsf.efficiency.maps.maps import EfficiencyMap
    from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble

_FORMAT = "deepsf-efficiencies-1"


class ModelEfficiencies(NamedTuple):
    """Efficiencies of one model at all jets of a sample.

    Attributes
    ----------
    mean
        float32, (n_jets, K): mean over members, or the map.
    spread
        float32, (n_jets, K): standard deviation over members, not divided by the root of their number; None for maps,
        and for a single member.
    members
        float32, (n_members, n_jets, K); None where only the mean is kept.
    out_of_range
        Boolean, (n_jets,): jets unlike all that the model was made from, see `EfficiencyEnsemble.out_of_range`.
    """

    mean: Singles
    spread: Singles | None = None
    members: Singles | None = None
    out_of_range: Bools | None = None


def of_ensemble(ensemble: EfficiencyEnsemble, events: JetEvents, *, keep_members: bool) -> ModelEfficiencies:
    """Return mean and spread over the members of an ensemble, and those of each member with ``keep_members``.

    Raises
    ------
    ValueError
        If the working points are not those of the events.
    """
    _check_points(ensemble, events)
    if keep_members:
        of_members = _of_members(ensemble.members(events), ensemble.n_members, events)
        return of_members._replace(out_of_range=ensemble.out_of_range(events))
    efficiencies = ensemble.evaluate(events)
    spread = efficiencies.spread if ensemble.n_members > 1 else None
    return ModelEfficiencies(efficiencies.mean, spread, out_of_range=efficiencies.out_of_range)


def cross_fitted(folds: Sequence[EfficiencyEnsemble], events: JetEvents) -> ModelEfficiencies:
    """Return efficiencies of events that were trained on, from members that never saw them.

    Parameters
    ----------
    folds
        Ensembles trained on events whose number gives 0, 1, ... modulo the number of folds, of two on those with an
        even and an odd number; all of one size.

    Raises
    ------
    ValueError
        If there are fewer than two folds, their numbers of members differ, the working points are not those of the
        events, or an ensemble was trained on other events than its place says, or does not know on which.
    """
    if len(folds) < CROSS_FIT_FOLDS or len({fold.n_members for fold in folds}) > 1:
        sizes = [fold.n_members for fold in folds]
        raise ValueError(f"a cross-fit needs at least {CROSS_FIT_FOLDS} folds of equal size, got members {sizes}")
    for number, fold in enumerate(folds):
        _check_points(fold, events)
        _check_fold(fold, Fold(number, len(folds)))
    members = np.empty((folds[0].n_members, len(events.pt_gev), len(events.working_points)), np.float32)
    out_of_range = np.empty(len(events.pt_gev), np.bool_)
    fold_of_event = fold_of_events(events, len(folds))
    for number in range(len(folds)):
        chosen = fold_of_event == number
        jets = np.repeat(chosen, events.n_jets)
        part = events.select(chosen)
        others = [fold for other, fold in enumerate(folds) if other != number]
        # with two folds there is one other; with more, member k of all others is averaged
        stacked = [np.stack(list(fold.members(part))) for fold in others]
        members[:, jets] = np.mean(stacked, axis=0)
        out_of_range[jets] = np.any([fold.out_of_range(part) for fold in others], axis=0)
    spread = members.std(axis=0, ddof=1) if len(members) > 1 else None
    return ModelEfficiencies(members.mean(axis=0), spread, members, out_of_range)


def of_map(efficiency_map: EfficiencyMap, events: JetEvents) -> ModelEfficiencies:
    """Return the efficiencies of a map."""
    mean = efficiency_map.evaluate(events).astype(np.float32)
    return ModelEfficiencies(mean, out_of_range=efficiency_map.out_of_range(events))


def write(path: Path, models: Mapping[str, ModelEfficiencies]) -> None:
    """Write all models into one file of tensors ``<model>/mean``, ``/spread``, ``/members``, ``/out_of_range``."""
    tensors = {
        f"{name}/{key}": value
        for name, model in models.items()
        for key, value in model._asdict().items()
        if value is not None
    }
    tensor_files.write(path, {"format": _FORMAT, "models": list(models)}, tensors)


def read(path: Path) -> dict[str, ModelEfficiencies]:
    """Read what `write` wrote, models in the order in which they were written."""
    return tensor_files.read(path, _FORMAT, _models)


def _models(header: Header, tensors: Tensors) -> dict[str, ModelEfficiencies]:
    models = {
        name: ModelEfficiencies(
            tensors[f"{name}/mean"],
            *(tensors.get(f"{name}/{key}") for key in ModelEfficiencies._fields[1:]),
        )
        for name in header["models"]
    }
    expected: Layout = {}
    single, of_jets = np.dtype(np.float32), models[header["models"][0]].mean.shape
    for name, model in models.items():
        n_members = 0 if model.members is None else len(model.members)
        expected |= {f"{name}/{key}": (single, of_jets) for key in ("mean", "spread")}
        expected[f"{name}/members"] = single, (n_members, *of_jets)
        expected[f"{name}/out_of_range"] = np.dtype(np.bool_), of_jets[:1]
    check_layout(tensors, {key: layout for key, layout in expected.items() if key in tensors})
    return models


def _of_members(values: Iterator[Singles], n_members: int, events: JetEvents) -> ModelEfficiencies:
    members = np.empty((n_members, len(events.pt_gev), len(events.working_points)), np.float32)
    for number, member in enumerate(values):
        members[number] = member
    mean = members.mean(axis=0, dtype=np.float64)
    spread = np.sqrt(np.mean((members - mean.astype(np.float32)) ** 2, axis=0, dtype=np.float64))
    if n_members < 2:
        return ModelEfficiencies(mean.astype(np.float32), None, members)
    spread *= np.sqrt(n_members / (n_members - 1))
    return ModelEfficiencies(mean.astype(np.float32), spread.astype(np.float32), members)


def _check_points(ensemble: EfficiencyEnsemble, events: JetEvents) -> None:
    if ensemble.working_points != events.working_points:
        raise ValueError(
            f"the ensemble gives efficiencies of the working points {ensemble.working_points}, the events have "
            f"{events.working_points}: take events with those, or evaluate the ensemble itself"
        )


def _check_fold(ensemble: EfficiencyEnsemble, expected: Fold) -> None:
    """Refuse an ensemble that may have seen events that it would evaluate."""
    if ensemble.fold is None:
        raise ValueError(
            f"ensemble {expected.number} of the cross-fit does not say which events it was trained on; train its "
            f"members with train_member(..., fold=Fold({expected.number}, {expected.n_folds})), which takes the "
            f"{expected}"
        )
    if ensemble.fold != expected:
        raise ValueError(
            f"ensemble {expected.number} of the cross-fit was trained on {ensemble.fold}, not on the {expected}: it "
            "would evaluate events that it has seen; give all ensembles, in the order of their folds"
        )
