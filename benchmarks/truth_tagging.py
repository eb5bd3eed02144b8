"""Speed of truth-tagging weights against listing tag patterns event by event; `benchmarks/efficiency.py` calls it.

truth_tagging_events_per_s    at-least-2-tag weights a second, with the choice of the taggable jets
truth_tagging_over_plain      the same by a loop over events and their tag patterns, over that
truth_tagging_drawn_per_s     events a second with a drawn pattern and drawn working points
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from deepsf.arrays import Floats
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.config.efficiency.truth_tagging import Taggable
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.toy import generate
from deepsf.efficiency.truth_tagging.draws import draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import at_least, taggable_jets

N_TAGS = 2
SETTINGS = dict(Taggable())


def truth_tagging_figures(
    toy: EfficiencyToy, flavours: tuple[str, ...], n_events: int = 300_000, n_plain: int = 20_000, rounds: int = 5
) -> dict[str, float]:
    """Return the figures of the module's description for events of the toy with their true efficiencies."""
    events, truth = generate(toy, flavours, "test", n_events)
    efficiency = truth.efficiency
    few = events.select(np.arange(n_events) < n_plain)
    few_efficiency = efficiency[: few.offsets[-1]]
    expected = plain_weights(few, few_efficiency[:, 0])
    np.testing.assert_allclose(weights(few, few_efficiency[:, 0]), expected, rtol=1e-9)
    ours = seconds(rounds, weights, events, efficiency[:, 0]) / n_events
    plain = seconds(1, plain_weights, few, few_efficiency[:, 0]) / n_plain
    return {
        "truth_tagging_events_per_s": round(1 / ours),
        "truth_tagging_over_plain": round(plain / ours, 1),
        "truth_tagging_drawn_per_s": round(n_events / seconds(rounds, drawn, events, efficiency)),
    }


def weights(events: JetEvents, efficiency: Floats) -> Floats:
    return at_least(efficiency, events.offsets, N_TAGS, taggable_jets(events, **SETTINGS))


def plain_weights(events: JetEvents, efficiency: Floats) -> Floats:
    """Sum over all patterns of every event, as a user writes it."""
    taggable = taggable_jets(events, **SETTINGS)
    found = np.zeros(len(events))
    for event in range(len(events)):
        jets = slice(events.offsets[event], events.offsets[event + 1])
        values = efficiency[jets][taggable[jets]]
        for n in range(N_TAGS, len(values) + 1):
            for pattern in combinations(range(len(values)), n):
                tagged = np.zeros(len(values), bool)
                tagged[list(pattern)] = True
                found[event] += np.prod(np.where(tagged, values, 1 - values))
    return found


def drawn(events: JetEvents, efficiency: Floats) -> Any:
    taggable = taggable_jets(events, **SETTINGS)
    offsets, numbers = events.offsets, events.event
    pattern = draw_pattern(efficiency[:, 0], offsets, numbers, N_TAGS, at_least=True, seed=1, taggable=taggable)
    return draw_bins(efficiency, offsets, numbers, pattern.tagged, 0, seed=1, taggable=taggable)


def seconds(rounds: int, function: Callable[..., Any], *arguments: Any) -> float:
    """Return the median CPU time of a call."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        function(*arguments)
        found.append(time.process_time() - start)
    return statistics.median(found)
