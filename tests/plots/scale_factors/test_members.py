"""An ensemble that lacks members says so wherever a figure names it, and only then."""

from __future__ import annotations

from types import SimpleNamespace

import hist
import numpy as np
import pytest
from matplotlib.text import Text

from deepsf.plots.scale_factors import closure, maps, scale_factor, training, truth
from deepsf.plots.style import Style

NOTE = "24 of 25 members"
EDGES = {"pt": [20, 1000], "abseta": [0, 2.5], "discriminant": [-2.01, 0, 0.5, 1.01]}


def truth_figure(style):
    axes = [hist.axis.Variable(edges, name=name, flow=False) for name, edges in EDGES.items()]
    values = {"binned": np.ones((1, 1, 3)), "deepsf": np.ones((1, 1, 3))}
    return truth.figure("b", hist.Hist(*axes), values, np.ones((1, 1, 3)), style)


def map_figure(style):
    axes = {"pt_gev": [20.0, 60.0, 400.0], "abseta": [0.2, 1.2], "discriminant": [0.01, 0.5, 0.99]}
    values = {"mean": np.full((3, 2, 3), 1.1), "sem": np.full((3, 2, 3), 0.02)}
    true = axes | {"truth": np.ones((3, 2, 3))}
    return maps.figure("b", axes | values, style, n_members=24, truth=true)


def training_figure(style):
    columns = [f"{part}_{net}_b" for net in ("discriminator", "scale_factor") for part in ("train", "validation")]
    history = {key: [1.0, 2.0] for key in ("pass", *columns, "sf_min_b", "sf_max_b")}
    return training.figure([history] * 24, ["b"], style)


def closure_figure(style):
    discriminant = hist.axis.Variable(EDGES["discriminant"], name="discriminant", flow=False)
    names = [hist.axis.StrCategory(n, name=k) for k, n in {"method": closure.METHODS, "flavour": ["b", "udsg"]}.items()]
    simulation, data = (hist.Hist(*axes, discriminant, storage=hist.storage.Weight()) for axes in (names, ()))
    for filled in (simulation, data):
        filled.view().value[...] = filled.view().variance[...] = 100.0
    return closure.figure("hf", simulation, data, style)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize(
    ("figure", "labels"),
    [
        (truth_figure, [f"DeepSF ({NOTE}): 1.000"]),
        (map_figure, [f"DeepSF, mean\n({NOTE})", f"DeepSF $-$ truth\n({NOTE})"]),
        (training_figure, [f"b jets, {NOTE}\nthick: median"]),
        (closure_figure, [f"DeepSF ({NOTE})"]),
    ],
)
def test_lacking_members_are_named_with_the_ensemble_and_with_nothing_else(figure, labels):
    shown, plain = (texts(figure(Style("CMS", "Toy", "score", members=members))) for members in (NOTE, ""))
    assert [text for text in shown if NOTE in text] == labels
    assert not any("member" in text for text in plain)
    assert [text for text in plain if text not in shown] == [
        label.replace(f"\n({NOTE})", "").replace(f" ({NOTE})", "").replace(NOTE, "24 trainings") for label in labels
    ]


def test_lacking_members_are_named_in_the_legend_of_scale_factors():
    panel = SimpleNamespace(reference=None, truth=None, systematic=None, further={}, n_members=24)
    labels = [label for _, label in scale_factor.handles_of(panel, Style("CMS", "Toy", "score", members=NOTE))]
    assert "DeepSF, mean per bin\n(24 of 25 members)" in labels
    assert "SEM of 24 trainings\n(training spread only)" in labels
    labels = [label for _, label in scale_factor.handles_of(panel, Style("CMS", "Toy", "score"))]
    assert "DeepSF, mean per bin" in labels
