"""Pseudo-experiments as a figure: pulls of all bins, mean and width of each bin, chi2 with the covariance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from deepsf.arrays import Floats
from deepsf.binned.pseudo_experiments import Experiments
from deepsf.plots.layout import Margins, corner_text, experiment_label, grid, mark_outside
from deepsf.plots.style import Style, context

_PULL_MAX = 5.0
_ALLOWED_SIGMA = 4.0


def figure(experiments: Mapping[str, Experiments], style: Style) -> Figure:
    """Return one row a set of experiments, named by its label (e.g. its purities).

    Columns: the pulls of all used bins over a unit normal distribution; the mean of each bin's pulls, and their width,
    with statistical errors and the band of four standard deviations; chi2 / ndf of each experiment with its own
    covariance, over the distribution that chi2 has.
    """
    with context(0.8):
        margins = Margins(left=1.3, right=0.4, bottom=1.2, top=0.6, between_columns=1.5, between_rows=0.5)
        made, placed = grid([4.0] * len(experiments), [5.0, 5.0, 5.0, 5.0], margins)
        for row, (label, found) in enumerate(experiments.items()):
            _pulls(placed[row, 0], found, label)
            _bins(placed[row, 1], found.pulls, "Mean of pulls")
            _bins(placed[row, 2], found.pulls, "Width of pulls")
            _chi2(placed[row, 3], found)
        for axes, label in zip(placed[-1], ("(measured - true) / error", "Bin", "Bin", r"$\chi^2$ / ndf"), strict=True):
            axes.set_xlabel(label)
        experiment_label(placed[0, 0], style)
    return made


def _pulls(axes: Axes, found: Experiments, label: str) -> None:
    edges = np.linspace(-_PULL_MAX, _PULL_MAX, 51)
    pulls = np.clip(found.pulls.ravel(), edges[0], edges[-1])
    axes.hist(
        pulls,
        edges.tolist(),
        histtype="stepfilled",
        color="0.8",
        edgecolor="0.3",
        label=f"{len(found.pulls)} experiments",
    )
    centres = 0.5 * (edges[1:] + edges[:-1])
    axes.plot(centres, len(pulls) * np.diff(edges) * stats.norm.pdf(centres), color="#e42536", label="unit normal")
    axes.set_ylabel("Pulls")
    axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
    axes.legend(fontsize="xx-small", loc="upper right")
    corner_text(axes, label, size="x-small")


def _bins(axes: Axes, pulls: Floats, label: str) -> None:
    n, number = len(pulls), np.arange(1, pulls.shape[1] + 1)
    width = pulls.std(axis=0, ddof=1)
    of_mean = label.startswith("Mean")
    value, error = (pulls.mean(axis=0), width / np.sqrt(n)) if of_mean else (width, width / np.sqrt(2.0 * n))
    expected, one = (0.0, 1.0 / np.sqrt(n)) if of_mean else (1.0, 1.0 / np.sqrt(2.0 * n))
    axes.axhspan(expected - _ALLOWED_SIGMA * one, expected + _ALLOWED_SIGMA * one, color="0.9", zorder=0)
    axes.axhline(expected, color="0.5", linewidth=1, zorder=1)
    axes.errorbar(number, value, yerr=error, fmt="o", markersize=3, color="#3f90da")
    axes.set_ylim(expected - 1.6 * _ALLOWED_SIGMA * one, expected + 1.6 * _ALLOWED_SIGMA * one)
    axes.set_xlim(0, len(number) + 1)
    mark_outside(axes, number, value, "#3f90da")
    axes.set_ylabel(label)
    corner_text(axes, f"average {value.mean():.3f}", size="x-small")


def _chi2(axes: Axes, found: Experiments) -> None:
    values, ndf = found.chi2_per_ndf(), int(found.is_used.sum())
    edges = np.linspace(0.0, max(2.5, float(values.max())), 41)
    axes.hist(values, edges.tolist(), histtype="stepfilled", color="0.8", edgecolor="0.3")
    centres = 0.5 * (edges[1:] + edges[:-1])
    axes.plot(centres, len(values) * np.diff(edges) * ndf * stats.chi2.pdf(ndf * centres, ndf), color="#e42536")
    axes.set_ylabel("Experiments")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    corner_text(axes, f"ndf = {ndf}, mean {values.mean():.3f}", size="x-small")
