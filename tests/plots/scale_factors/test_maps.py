"""Maps of the scale factor in discriminant and pT."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.scale_factors.maps import figure
from tests.plots.scale_factors.results import LACKING, STYLE, grid, true_grid
from tests.plots.seen import texts


def meshes(made):
    return [axes.collections[0] for axes in made.axes if axes.get_xscale() == "function"]


def test_scale_factors_are_coloured_around_one_with_a_common_range():
    maps = meshes(figure("b", grid(), STYLE, n_members=25, truth=true_grid()))
    assert len(maps) == 12
    limits = {(mesh.norm.vmin, mesh.norm.vmax) for mesh in maps[:6]}
    assert len(limits) == 1
    np.testing.assert_allclose(np.mean(limits.pop()), 1.0)


def test_the_difference_is_coloured_around_zero():
    difference = meshes(figure("b", grid(), STYLE, n_members=25, truth=true_grid()))[6]
    np.testing.assert_allclose(difference.norm.vmin, -difference.norm.vmax)
    np.testing.assert_allclose(np.asarray(difference.get_array()), grid()["mean"][:, 1] - 1.1)


def test_the_nearest_grid_points_in_abseta_are_shown():
    made = figure("b", grid(), STYLE, n_members=25, abseta=(0.0, 1.3))
    np.testing.assert_array_equal(np.asarray(meshes(made)[1].get_array()), grid()["mean"][:, 6])
    shown = texts(made)
    assert r"b jets, |$\eta$| = 0.05" in shown
    assert r"b jets, |$\eta$| = 1.25" in shown


def test_without_truth_mean_and_sem_remain():
    made = figure("b", grid(), STYLE, n_members=25)
    assert len(meshes(made)) == 6
    labels = [axes.get_ylabel() for axes in made.axes]
    labels += [bar.get_ylabel() for axes in made.axes for bar in axes.child_axes]
    assert "DeepSF, mean" in labels
    # sqrt(25) = 5
    assert any(label.startswith("SEM of 25 trainings") and "5.0" in label for label in labels)


def test_axes_have_units_and_hold_the_whole_grid():
    made = figure("b", grid(), STYLE, n_members=25)
    assert made.axes[0].get_ylabel() == "Jet $p_{T}$ [GeV]"
    np.testing.assert_allclose(made.axes[0].get_ylim(), (20, 400))
    np.testing.assert_allclose(made.axes[0].get_xlim(), (0.001, 0.995))


def test_cells_beyond_the_colours_are_announced():
    far = grid()
    far["mean"] = far["mean"].copy()
    far["mean"][0, 1, 0] = 9.0
    bars = [bar for axes in figure("b", far, STYLE, n_members=25).axes for bar in axes.child_axes]
    assert bars[0]._colorbar.extend == "max"
    assert bars[1]._colorbar.extend == "neither"


def test_the_truth_needs_the_same_grid():
    with pytest.raises(ValueError, match="differs from the ensemble's in pt_gev"):
        figure("b", grid(), STYLE, n_members=25, truth=true_grid() | {"pt_gev": np.asarray(grid()["pt_gev"]) + 1})


def test_lacking_members_are_named_with_the_ensemble_alone():
    shown = texts(figure("b", grid(), LACKING, n_members=24, truth=true_grid()))
    note = "\n(24 of 25 members)"
    assert [text for text in shown if "member" in text] == [f"DeepSF, mean{note}", f"DeepSF $-$ truth{note}"]
