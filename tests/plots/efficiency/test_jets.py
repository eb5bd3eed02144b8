"""Efficiencies of jets by flavour."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency.jets import figure
from tests.plots.efficiency.results import LACKING, STYLE, closure, without_charm, without_truth
from tests.plots.seen import clipped, outlines, points, texts


def columns(made):
    """Return axes by row and flavour."""
    return np.array(made.axes).reshape(3, 3)


def test_truth_and_all_models_are_drawn_for_every_flavour():
    axes = columns(figure(closure(), "test", "delta_r", STYLE))
    profile = closure().samples["test"].profiles["delta_r"]
    for row in range(3):
        drawn = outlines(axes[0, row])
        assert len(drawn) == 6
        np.testing.assert_allclose(drawn[0], profile.models["truth"][row])
        np.testing.assert_allclose(drawn[-1], profile.models["gnn"][row])
        truth, *_, network = [patch for patch in axes[0, row].patches if not patch.get_fill()]
        # the thin line of the truth lies over that of the network
        assert truth.get_zorder() > network.get_zorder()
        assert truth.get_linewidth() < network.get_linewidth()
        np.testing.assert_allclose(
            outlines(axes[1, row])[-1], profile.models["gnn"][row] / profile.models["truth"][row]
        )
        assert len(outlines(axes[2, row])) == 3


def test_the_band_is_the_spread_of_members():
    axes = columns(figure(closure(), "test", "pt_gev", STYLE))
    profile = closure().samples["test"].profiles["pt_gev"]
    (band,) = [patch.get_data() for patch in axes[0, 2].patches if patch.get_fill()]
    np.testing.assert_allclose(band.values - profile.models["gnn"][2], profile.spread["gnn"][2], rtol=1e-6)


@pytest.mark.parametrize(
    ("sample", "variable", "label"),
    [
        ("scalar", "pt_gev", "Jet $p_{T}$ [GeV] (last bin open)"),
        ("test", "eta", r"Jet $\eta$"),
        ("test", "delta_r", r"$\Delta R$ to the closest jet (last bin open)"),
    ],
)
def test_labels_and_nothing_clipped(sample, variable, label):
    made = figure(closure(), sample, variable, STYLE)
    shown = texts(made)
    where = {"test": "Test sample", "scalar": r"Transfer sample, scalar to q$\bar{q}$"}[sample]
    for text in (label, "Efficiency, working point M", "Truth", "Direct tagging", "Spread of 5 members"):
        assert text in shown, text
    for flavour, deviation in (("b jets", "0.6"), ("c jets", "1.2"), ("udsg jets", "3.5")):
        assert f"{flavour}\n{where}\nGNN: deviation {deviation} %" in shown
    assert clipped(made) == []


def test_ranges_hold_every_prediction_and_the_truth():
    for variable in ("pt_gev", "eta", "delta_r"):
        for panel in columns(figure(closure(), "test", variable, STYLE))[0]:
            low, high = panel.get_ylim()
            everything = np.concatenate(outlines(panel))
            assert low <= np.nanmin(everything)
            assert np.nanmax(everything) < high


def test_without_truth_the_ensemble_is_the_reference_and_not_the_noisy_tags():
    made = figure(without_truth(), "test", "pt_gev", LACKING)
    shown = texts(made)
    assert "Ratio to\nGNN" in shown
    profile = without_truth().samples["test"].profiles["pt_gev"]
    for row, panel in enumerate(columns(made)[1]):
        np.testing.assert_allclose(points(panel)[0], profile.tag_rate[row] / profile.models["gnn"][row])
    assert "Truth" not in shown
    assert "GNN (18 of 20 members)" in shown


@pytest.mark.filterwarnings("error")
def test_a_flavour_without_jets_leaves_its_column_empty():
    axes = columns(figure(without_charm(), "test", "pt_gev", STYLE))
    for panel in axes[:, 1]:
        assert np.isnan(outlines(panel)).all()
        assert all(len(container.lines[0].get_ydata()) == 0 for container in panel.containers)
    for panel in (*axes[:, 0], *axes[:, 2]):
        assert np.isfinite(outlines(panel)).all()
