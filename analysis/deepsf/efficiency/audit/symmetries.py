"""What an ensemble must not depend on: order of jets and of events, rotation in phi, other events; and bad kinematics.

Each figure is computed with the ensemble itself on events of the sample, so that it holds for what is used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from deepsf.arrays import Floats, Ints, Singles
from deepsf.efficiency.audit.rows import Rows, row
from deepsf.efficiency.events.events import JetEvents, offsets_of
from deepsf.seeds import seed_sequence

if TYPE_CHECKING:
    from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble

N_EVENTS = 2000
_PT_BEYOND_GEV, _ETA_BEYOND = 1e5, 6.0


def symmetry_rows(ensemble: EfficiencyEnsemble, events: JetEvents, seed: int) -> Rows:
    """Return the rows on an ensemble's symmetries and on jets out of range, from the first events that have jets."""
    rng = np.random.default_rng(seed_sequence(seed, "symmetries"))
    chosen = np.zeros(len(events), np.bool_)
    chosen[np.flatnonzero(events.n_jets)[:N_EVENTS]] = True
    events = events.select(chosen)
    nominal = ensemble.evaluate(events).mean

    def change(moved: JetEvents, jets: Ints) -> float:
        """Return the largest difference; jet k of ``moved`` is jet ``jets[k]`` of the events."""
        return float(np.max(np.abs(ensemble.evaluate(moved).mean.astype(np.float64) - nominal[jets]), initial=0.0))

    n_jets = len(events.pt_gev)
    shuffled = np.lexsort((rng.random(n_jets), events.event_of_jet))
    angle = np.repeat(rng.uniform(-np.pi, np.pi, len(events)), events.n_jets)
    phi = np.mod(events.phi.astype(np.float64) + angle + np.pi, 2 * np.pi) - np.pi
    rotated = replace(events, phi=np.clip(phi, -np.pi, np.pi).astype(np.float32))
    reverse = np.lexsort((events.rank, -events.event_of_jet))
    backwards = _jets(events, reverse, events.n_jets[::-1], np.arange(len(events))[::-1])
    few = events.n_jets < max(int(events.n_jets.max()), 2)
    jets_of_few = np.flatnonzero(np.repeat(few, events.n_jets))
    lone = _jets(events, events.offsets[:-1], np.ones(len(events), np.int64), np.arange(len(events)))
    beyond = replace(
        events,
        pt_gev=np.full(n_jets, _PT_BEYOND_GEV, np.float32),
        eta=np.full(n_jets, _ETA_BEYOND, np.float32),
    )
    single, far = ensemble.evaluate(lone).mean, ensemble.evaluate(beyond)
    return {
        **row("symmetry.permutation", change(_jets(events, shuffled, events.n_jets, np.arange(len(events))), shuffled)),
        **row("symmetry.phi_rotation", change(rotated, np.arange(n_jets))),
        **row("symmetry.batch_order", change(backwards, reverse)),
        **row("symmetry.padding", change(events.select(few), jets_of_few) if np.any(few) else 0.0),
        **row("symmetry.single_jet", np.sum(~np.all((single > 0) & (single < 1), axis=1))),
        **row("out_of_range.not_finite", np.sum(~np.all(np.isfinite(far.mean) & (far.mean > 0), axis=1))),
        **row("out_of_range.flagged", float(np.mean(far.out_of_range))),
    }


def _jets(events: JetEvents, jets: Ints, n_jets: Ints, order: Ints) -> JetEvents:
    """Return events made of some jets, ``n_jets`` in each, with weights and numbers of the events ``order``."""
    per_jet = {name: getattr(events, name)[jets] for name in ("pt_gev", "eta", "phi", "flavour", "tag_bin")}
    return replace(
        events,
        offsets=offsets_of(n_jets),
        weight=events.weight[order],
        event=events.event[order],
        discriminant=None,  # networks do not know it
        **per_jet,
    )


def largest_increase(efficiency: Floats | Singles) -> float:
    """Return by how much an efficiency rises at most from a working point to the next tighter one, at least 0."""
    return float(np.max(np.diff(efficiency, axis=1), initial=0.0))
