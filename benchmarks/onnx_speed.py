"""Speed of the default ensemble as ONNX with onnxruntime, on one core; `benchmarks/efficiency.py` calls it.

onnx_jets_per_s               jets a second, mean and spread of all members, in blocks of events of one number of jets
onnx_over_networks            time that the networks themselves take over that
onnx_member_jets_per_s        the same of a single member
onnx_single_events_per_s      events a second, one event at a time
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from deepsf.config.efficiency.efficiency import Efficiency
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.exports.onnx_file import ensemble_onnx
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import EfficiencyNetwork, architecture, build
from deepsf.efficiency.toy import generate

CODES = {"b": [5], "c": [4], "udsg": [0]}


def onnx_figures(
    settings: Efficiency, n_events: int = 20_000, n_single: int = 300, rounds: int = 7
) -> dict[str, float]:
    """Return the figures of the module's description for events of the toy; weights are random: they cost the same."""
    assert settings.toy is not None
    events = generate(settings.toy, tuple(CODES), "test", n_events)[0]
    members = random_ensemble(settings, events, settings.ensemble.n_members)
    exported = OnnxEfficiencies(ensemble_onnx(members, CODES))
    expected, found = members.evaluate(events), exported.evaluate(events)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(found.spread, expected.spread, atol=1e-5)
    alone = OnnxEfficiencies(ensemble_onnx(EfficiencyEnsemble.of(members.networks[:1]), CODES))
    few = [events.select(np.arange(n_events) == event) for event in range(n_single)]
    n_jets, whole = len(events.pt_gev), seconds(rounds, exported.evaluate, events)
    return {
        "onnx_jets_per_s": round(n_jets / whole),
        "onnx_over_networks": round(seconds(1, members.evaluate, events) / whole, 2),
        "onnx_member_jets_per_s": round(n_jets / seconds(rounds, alone.evaluate, events)),
        "onnx_single_events_per_s": round(n_single / seconds(rounds, one_by_one, exported, few)),
    }


def random_ensemble(settings: Efficiency, events: JetEvents, n_members: int) -> EfficiencyEnsemble:
    model = settings.ensemble.model
    sizes, scaling = architecture(getattr(settings.models, model)), JetScaling.fit(events)
    once = (1.0,) * len(events.flavours)
    networks = [
        EfficiencyNetwork(
            model,
            sizes,
            events.flavours,
            events.working_points,
            scaling,
            once,
            build(model, sizes, len(once), len(events.working_points), torch.Generator().manual_seed(number)),
        )
        for number in range(n_members)
    ]
    return EfficiencyEnsemble.of(networks)


def one_by_one(efficiencies: OnnxEfficiencies, events: list[JetEvents]) -> None:
    for event in events:
        efficiencies.evaluate(event)


def seconds(rounds: int, function: Callable[..., Any], *arguments: Any) -> float:
    """Return the median CPU time of a call."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        function(*arguments)
        found.append(time.process_time() - start)
    return statistics.median(found)
