"""Every method's scale factors against the truth, bin by bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import hist
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepsf.arrays import Floats
from deepsf.audit.bin_means import weighted_rms
from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.layout import Margins, clear_of_below, corner_text, experiment_label, few_ticks, grid, limits, steps
from deepsf.plots.style import Style, context

_MARKERS = ("o", "s", "^", "D", "v")


def figure(flavour: str, truth: hist.Hist[Any], values: Mapping[str, Floats], n_jets: Floats, style: Style) -> Figure:
    """Return S - truth of each bin's mean by method, and its RMS over the (pT, |eta|) bins below.

    Parameters
    ----------
    truth
        Mean true scale factor over the jets of each bin: axes pt, abseta, discriminant.
    values
        By method, mean scale factor of each bin, shape (n_pt, n_abseta, n_disc); NaN where nothing was measured.
    n_jets
        Jets in each bin, the same shape: RMS are weighted with them.

    Raises
    ------
    ValueError
        If an array does not have the truth's shape.
    """
    true = np.asarray(truth.values())
    for name, array in {**values, "n_jets": n_jets}.items():
        if np.shape(array) != true.shape:
            raise ValueError(f"{name} has shape {np.shape(array)}, the truth {true.shape}; both need the same bins")
    edges = np.asarray(truth.axes["discriminant"].edges)
    axis = DiscriminantAxis(edges, bool(edges[0] < 0 and n_jets[..., 0].sum() > 0))
    first = axis.first_shown
    with context():
        made, axes = grid([5.4, 3.2], [8.3], Margins(left=1.65, bottom=1.65 + axis.room_for_labels()), sharex=True)
        main, lower = axes[:, 0]
        shown, heights = [np.array([-0.05, 0.05])], [np.array([0.0])]
        for number, (method, array) in enumerate(values.items()):
            difference = array - true
            by_bin = weighted_rms(difference, n_jets, axis=(0, 1))
            rms = weighted_rms(difference[..., first:], n_jets[..., first:])
            label = f"{style.plain_method(method)}: {rms:.3f}{style.members_line(method)}"
            place = (number + 1) / (len(values) + 1)
            _draw_points(main, axis, difference, place, style.colour(method), _MARKERS[number % len(_MARKERS)], label)
            steps(lower, by_bin, axis.drawn, color=style.colour(method), linewidth=2.5)
            shown.append(difference[..., first:])
            heights.append(by_bin[first:])
        # a note on members is a line more in the legend
        _finish(main, lower, axis, shown, heights, head_room=0.65 if any(map(style.members_line, values)) else 0.45)
        main.legend(
            loc="upper left",
            bbox_to_anchor=(0.0, 0.91),
            fontsize="x-small",
            ncols=2,
            title="RMS of bin means, weighted with jets",
            title_fontsize="x-small",
            alignment="left",
        )
        corner_text(main, f"{style.flavour(flavour)}, all ($p_{{T}}$, |$\\eta$|) bins")
        experiment_label(main, style)
        axis.name(lower, style.discriminant_label)
        made.align_ylabels([main, lower])
    return made


def _draw_points(
    axes: Axes, axis: DiscriminantAxis, difference: Floats, place: float, colour: str, marker: str, label: str
) -> None:
    """Draw a point for every bin, the methods side by side within a discriminant bin."""
    x = axis.drawn[:-1] + place * np.diff(axis.drawn)
    flat = difference.reshape(-1, difference.shape[-1])
    axes.plot(
        np.broadcast_to(x, flat.shape).ravel(),
        flat.ravel(),
        marker,
        color=colour,
        alpha=0.75,
        markeredgewidth=0,
        markersize=0.24 * mpl.rcParams["font.size"],
        label=label,
    )


def _finish(
    main: Axes,
    lower: Axes,
    axis: DiscriminantAxis,
    shown: Sequence[Floats],
    heights: Sequence[Floats],
    *,
    head_room: float,
) -> None:
    main.axhline(0.0, color="0.6", linewidth=1.0, zorder=0)
    low, high = limits(*shown)
    main.set_ylim(low, high + head_room * (high - low))
    main.set_ylabel("S $-$ truth, per bin")
    clear_of_below(main)
    highest = limits(*heights, margin=0.1)[1]
    # a label at the corner would touch that of the horizontal axis
    lower.set_ylim(-0.05 * highest, highest)
    few_ticks(lower)
    lower.set_ylabel("RMS over bins", loc="center", fontsize="small")
    axis.apply(main, labels=False)
    axis.apply(lower)
