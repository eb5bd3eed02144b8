"""What depends on which jets are tagged, recomputed for a drawn pattern: the tagged pair, its mass, and its errors.

A pattern is drawn once, from the mean efficiencies. Another replica of the efficiencies would draw it with another
probability. So the weight of an event with its pattern, by a replica, is

    w_replica = w P_replica(pattern) / P(pattern),   P(pattern) = prod_tagged eps prod_untagged (1 - eps),

whose mean over patterns is what patterns drawn by the replica would give. The variance over replicas of a yield in bins
of the recomputed quantity is V_eff, without a second draw.
"""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Array, Bools, Floats, Ints
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.observables import pair_mass_gev
from deepsf.efficiency.events.ranks import by_rank, product
from deepsf.efficiency.truth_tagging.probabilities import checked

ABSENT = -1
"""Index of a tagged jet that an event does not have."""


def hardest_tagged(tagged: Bools, offsets: Ints, n: int) -> Ints:
    """Return the indices of the ``n`` hardest tagged jets of each event, ``(n_events, n)``; -1 where there are fewer.

    Parameters
    ----------
    tagged
        Tagged jets, ``(n_jets,)``, by falling pT in each event.
    offsets
        First jet of each event, ``(n_events + 1,)``.

    Raises
    ------
    ValueError
        If there is not one value for each jet.
    """
    if tagged.shape != (int(offsets[-1]),):
        raise ValueError(f"tagged must have one value a jet, shape ({int(offsets[-1])},), got {tagged.shape}")
    found = np.full((len(offsets) - 1, n), ABSENT, np.int64)
    for block in by_rank(offsets, tagged):
        for rank, jets in enumerate(block.jets[:n]):
            found[block.events[: len(jets)], rank] = jets
    return found


def tagged_pair_mass_gev(events: JetEvents, tagged: Bools) -> Floats:
    """Return the invariant mass of the two hardest tagged jets [GeV], taken as massless, ``(n_events,)``.

    NaN where fewer than two jets are tagged.

    Parameters
    ----------
    tagged
        Tagged jets, ``(n_jets,)``: drawn by `deepsf.efficiency.draw_pattern`, or by a cut.

    Raises
    ------
    ValueError
        As `hardest_tagged`.
    """
    first, second = hardest_tagged(tagged, events.offsets, 2).T
    mass_gev = np.full(len(events), np.nan)
    has_pair = second != ABSENT
    one, other = first[has_pair], second[has_pair]
    pt_gev, eta, phi = (values.astype(np.float64) for values in (events.pt_gev, events.eta, events.phi))
    mass_gev[has_pair] = pair_mass_gev(pt_gev[one], pt_gev[other], eta[one] - eta[other], phi[one] - phi[other])
    return mass_gev


# 6 arguments: what a pattern is drawn from
def replica_weight(
    weight: Array, efficiency: Array, replica: Array, offsets: Ints, tagged: Bools, taggable: Bools | None = None
) -> Floats:
    """Return the weights of events with their drawn patterns by a replica of the efficiencies, ``(n_events,)``.

    Parameters
    ----------
    weight
        By the efficiencies that patterns were drawn from, ``(n_events,)``; where it is 0, the replica's is, too.
    efficiency, replica
        Probability of each jet to be tagged, ``(n_jets,)``: that of the draw, and that of the replica.
    offsets
        First jet of each event, ``(n_events + 1,)``.
    tagged
        Drawn tags, ``(n_jets,)``.
    taggable
        Jets that may be tagged, as in the draw; all by default.

    Raises
    ------
    ValueError
        If arrays do not fit each other, or an efficiency is not a probability.
    """
    if np.shape(weight) != (len(offsets) - 1,) or tagged.shape != (int(offsets[-1]),):
        raise ValueError(
            f"one weight an event and one tag a jet, shapes ({len(offsets) - 1},) and ({int(offsets[-1])},): got "
            f"{np.shape(weight)} and {tagged.shape}"
        )
    drawn_from, mask = checked(efficiency, offsets, taggable)
    other, _ = checked(replica, offsets, taggable)
    alone, by_replica = (
        product(np.where(tagged, values, 1.0 - values), offsets, mask) for values in (drawn_from, other)
    )
    result = np.zeros(len(weight))
    np.divide(weight * by_replica, alone, out=result, where=np.asarray(weight) > 0)
    return result
