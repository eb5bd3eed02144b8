"""Coverage of the quoted errors of truth-tagged yields, from many repetitions of the whole experiment.

Each replica is a sample of the toy without neighbour effect, so that maps of (pT, eta) are right on average; its size
fluctuates, as sum w^2 supposes. The map is made of the same events that it weights; the two leading jets must be
tagged, by flavour pair. The spread of the yields over replicas must be the error that is quoted for one of them. The
error of the weighted events alone, sqrt(sum w^2), is far below it wherever tags are rare: that of the map is shared by
all events and must be added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Floats, Ints
from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.observables import flavour_pairs, pair_index
from deepsf.efficiency.maps.bootstrap import bootstrap
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.toy import generate
from deepsf.efficiency.truth_tagging.probabilities import exactly, tagged_exactly
from deepsf.efficiency.truth_tagging.variance import TruthTaggedYields, truth_tagged_yields
from deepsf.seeds import seed_sequence

ALL = "all"
_N_TAGS = 2


class _Replica(NamedTuple):
    predicted: TruthTaggedYields
    direct: Floats
    with_truth: Floats


def coverage(
    toy: EfficiencyToy, flavours: Sequence[str], maps: EfficiencyMaps, *, n_replicas: int, n_events: int, seed: int
) -> dict[str, dict[str, float]]:
    """Return the coverage of 2-tag yields with the loosest working point.

    Parameters
    ----------
    toy
        Its neighbour effect, hidden variable and correlations are switched off.
    maps
        Bins, and ``n_replicas`` bootstraps for V_eff.
    n_replicas, n_events
        How often the experiment is repeated, and its mean size.

    Returns
    -------
    dict
        By category, ``all`` and the names of `deepsf.efficiency.events.observables.flavour_pairs`: the ``mean`` yield
        in events, and errors of it. ``direct``, ``actual`` and ``with_truth`` are standard deviations over replicas, of
        direct tags and of truth tagging with the map and with true efficiencies; ``sum_w2`` and ``total`` are quoted,
        the root mean squares of sqrt(sum w^2) and of sqrt(sum w^2 + V_eff). ``without_v_eff`` and ``with_v_eff`` are
        actual over quoted, ``ratio_error`` is their relative error, that of a standard deviation of ``n_replicas``.

    Raises
    ------
    ValueError
        If there are fewer than two replicas.
    """
    if n_replicas < 2:
        raise ValueError(f"a spread needs at least 2 replicas, got {n_replicas}")
    categories = (ALL, *flavour_pairs(flavours))
    plain = without_neighbours(toy)
    thrown = [_replica(plain, flavours, maps, n_events, seed, number) for number in range(n_replicas)]
    columns = {
        "mean": np.mean([replica.predicted.value for replica in thrown], axis=0),
        "direct": _spread([replica.direct for replica in thrown]),
        "actual": _spread([replica.predicted.value for replica in thrown]),
        "with_truth": _spread([replica.with_truth for replica in thrown]),
        "sum_w2": np.sqrt(np.mean([replica.predicted.sum_w2 for replica in thrown], axis=0)),
        "total": np.sqrt(np.mean([replica.predicted.variance for replica in thrown], axis=0)),
    }
    columns |= {
        "without_v_eff": ratio(columns["actual"], columns["sum_w2"]),
        "with_v_eff": ratio(columns["actual"], columns["total"]),
        "ratio_error": np.full(len(categories), 1.0 / np.sqrt(2.0 * (n_replicas - 1))),
    }
    return {name: {key: float(values[row]) for key, values in columns.items()} for row, name in enumerate(categories)}


def _spread(values: list[Floats]) -> Floats:
    return np.asarray(np.std(values, axis=0, ddof=1), np.float64)


def without_neighbours(toy: EfficiencyToy) -> EfficiencyToy:
    """Return the toy with jets that are tagged independently of each other, and nothing hidden."""
    neighbours = toy.neighbours
    none = {flavour: dict.fromkeys(row, 0.0) for flavour, row in neighbours.amplitude.items()}
    changes = {"latent_correlation": 0.0, "hidden_variable": 0.0}
    return toy.model_copy(update={"neighbours": neighbours.model_copy(update={"amplitude": none}), **changes})


def _replica(
    toy: EfficiencyToy, flavours: Sequence[str], maps: EfficiencyMaps, n_events: int, seed: int, number: int
) -> _Replica:
    rng = np.random.default_rng(seed_sequence(seed, "coverage", number))
    toy_seed, map_seed = (int(drawn) for drawn in rng.integers(2**63, size=2))
    size = max(int(rng.poisson(n_events)), 1)
    events, truth = generate(toy.model_copy(update={"seed": toy_seed}), flavours, "train", size)
    fitted = EfficiencyMap.fit(events, maps)
    replicas = bootstrap(fitted, events, maps.n_replicas, seed=map_seed)
    leading = events.rank < _N_TAGS

    def probability(efficiency: Floats) -> Floats:
        return exactly(efficiency[:, 0], events.offsets, _N_TAGS, leading)

    tagged = tagged_exactly(events.tag_bin > 0, events.offsets, _N_TAGS, leading)
    index, n_categories = _categories(events)

    def yields(weight: Floats | Bools, replica_weights: Iterable[Floats] = ()) -> TruthTaggedYields:
        twice = (np.tile(values, 2) for values in replica_weights)
        return truth_tagged_yields(np.tile(events.weight, 2), np.tile(weight, 2), index, n_categories, twice)

    return _Replica(
        yields(probability(fitted.evaluate(events)), map(probability, replicas.members(events))),
        yields(tagged).value,
        yields(probability(truth.efficiency)).value,
    )


def _categories(events: JetEvents) -> tuple[Ints, int]:
    """Return the category of every event twice, among all events and among pairs, and the number of categories."""
    pair = np.full(len(events), -1, np.int64)
    chosen = np.flatnonzero(events.n_jets >= _N_TAGS)
    first = events.offsets[:-1][chosen]
    flavour = events.flavour.astype(np.int64)
    pair[chosen] = pair_index(flavour[first], flavour[first + 1], len(events.flavours))
    index = np.concatenate([np.where(pair >= 0, 0, -1), np.where(pair >= 0, pair + 1, -1)])
    return index, 1 + len(flavour_pairs(events.flavours))
