"""A member in operations of ONNX, against itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from deepsf.networks.onnx_graph import Graph, Value
from deepsf.networks.onnx_member import JetColumns
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.score_limits import ScoreLimits
from deepsf.probes.weights import SmoothNormalisation
from tests.analysis.networks.random_members import LIMITS, member


def jets(n=4000):
    rng = np.random.default_rng(2)
    score = np.where(rng.random(n) < 0.1, -1.0, rng.random(n))
    columns = 10 * 100 ** rng.random(n), rng.uniform(0, 3, n), score
    return Jets(*(column.astype(np.float32) for column in columns), np.zeros(n, np.int8))


def computed(at, build, kind="double"):
    """Return what operations make of jets."""
    graph, names = Graph(), ("pt", "abseta", "discriminant")
    columns = JetColumns(graph, {name: graph.cast(f"in_{name}", "double") for name in names})
    graph.op("Identity", build(columns), name="out")
    inputs = [Value(f"in_{name}", "float", ("n",)) for name in names]
    text = graph.text("test", inputs, [Value("out", kind, ("n",))], "about", {})
    session = onnxruntime.InferenceSession(text, providers=["CPUExecutionProvider"])
    return session.run(None, {f"in_{name}": at.column(name) for name in names})[0]


@pytest.mark.parametrize("limits", [{}, {"b": LIMITS}], ids=["without limits", "with limits"])
def test_it_has_the_values_of_the_member(limits):
    made, at = member(1, 1.3, limits), jets()
    nodes = np.array([25.0, 60.0, 300.0]), np.array([0.4, 1.1])
    table = SmoothNormalisation(KinematicBins(np.empty(0), np.empty(0)), *nodes, 1 + np.arange(6.0).reshape(3, 2) / 10)
    for of in (made, replace(made, normalisation={"b": table})):
        expected = of.evaluate("b", at)
        assert np.ptp(expected) > 0.2
        np.testing.assert_allclose(computed(at, lambda columns, of=of: columns.value(of, "b")), expected, rtol=1e-6)


def test_a_limit_at_the_end_of_the_scores_is_none():
    limits = ScoreLimits(
        np.array([30.0, 100.0, 300.0]), np.array([0.0, 0.1, 0.2]), np.array([0.97, 0.8, 0.97]), 0.0, 0.97
    )
    at = jets()
    at = replace(at, discriminant=np.where(np.arange(len(at)) % 3 == 0, np.float32(0.97), at.discriminant))
    expected = limits.is_beyond(at)
    assert 0.1 < expected.mean() < 0.9
    assert (computed(at, lambda columns: columns.is_beyond(limits), "bool") == expected).all()
    held = ScoreLimits(np.array([30.0]), np.array([0.0]), np.array([0.97]), 0.0, 0.97)
    assert not computed(at, lambda columns: columns.is_beyond(held), "bool").any()
