"""What all figures share: style, labels, colours, axes of the discriminant, and writing PDF and PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from deepsf.config.campaign import Campaign
from deepsf.config.efficiency.networks import NETWORKS
from deepsf.config.plots import Plots
from deepsf.probes.entries import Floats

# of Petroff's ten colours (arXiv:2107.02270), which are told apart with every common colour vision
_FLAVOUR_COLOURS = ("#3f90da", "#ffa90e", "#94a4a2", "#832db6", "#a96b59", "#b9ac70")
_METHOD_COLOURS = {
    "none": "#717581",
    "binned": "#bd1f01",
    "binned_smooth": "#e76300",
    "direct": "#832db6",
    "deepsf": "#1f6fb8",
    "truth": "#000000",
    "reference": "#a96b59",
    "data": "#000000",
    "train": "#1f6fb8",
    "validation": "#e76300",
    "direct_tagging": "#000000",
    "map": "#bd1f01",
    "map_delta_r": "#e76300",
    **{name: network.colour for name, network in NETWORKS.items()},
}
_METHOD_LABELS = {
    "none": "No scale factors",
    "binned": "Binned SF",
    "binned_smooth": "Binned SF, smoothed",
    "direct": "Direct density ratio",
    "deepsf": "DeepSF",
    "truth": "Truth",
    "direct_tagging": "Direct tagging",
    "map": r"Map of $p_{T}$, $\eta$",
    "map_delta_r": r"Map of $p_{T}$, $\eta$, $\Delta R$",
    **{name: network.label for name, network in NETWORKS.items()},
}


@dataclass(frozen=True)
class Style:
    """Labels and colours of a campaign's figures; ``members`` says which part of the ensemble is shown, if not all."""

    experiment: str
    label: str
    discriminant_label: str
    conditions: str = ""
    flavour_labels: Mapping[str, str] = field(default_factory=dict)
    flavour_colours: Mapping[str, str] = field(default_factory=dict)
    region_labels: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    members: str = ""

    @classmethod
    def of(cls, plots: Plots, campaign: Campaign | None, flavours: Sequence[str], members: str = "") -> Style:
        """Return the style of a configuration; flavours without an entry get a label and a colour of their own.

        Parameters
        ----------
        campaign
            None where there are no data, and so no luminosity to quote.
        flavours
            All flavours of the configuration, in its order.
        members
            Of `deepsf.audit.summary.members_note`.

        Raises
        ------
        ValueError
            If a label or colour is given for a flavour or method that does not exist, or a colour is none.
        """
        for section, given, known in (
            ("flavours", plots.flavours, flavours),
            ("colours", plots.colours, tuple(_METHOD_COLOURS)),
        ):
            for name in given:
                if name not in known:
                    raise ValueError(f"plots.{section}.{name}: not one of {list(known)}")
        defaults = dict(zip(flavours, _FLAVOUR_COLOURS * len(flavours), strict=False))
        colours = dict(plots.colours)
        flavour_colours = defaults | {name: style.colour for name, style in plots.flavours.items()}
        for key, colour in {**colours, **flavour_colours}.items():
            if not mpl.colors.is_color_like(colour):
                raise ValueError(f"plots: the colour of {key}, {colour!r}, is not a colour; write it as '#3f90da'")
        conditions = ""
        if campaign is not None:
            conditions = f"{campaign.luminosity_ifb:g} fb$^{{-1}}$ ({campaign.energy_tev:g} TeV)"
        return cls(
            experiment=plots.experiment,
            label=plots.label,
            discriminant_label=plots.discriminant_label,
            conditions=conditions,
            flavour_labels={name: style.label for name, style in plots.flavours.items()},
            flavour_colours=flavour_colours,
            region_labels=dict(plots.regions),
            colours=colours,
            members=members,
        )

    def colour(self, method: str) -> str:
        """Return the colour of a method, ``truth``, ``reference``, ``train`` or ``validation``."""
        return self.colours.get(method, _METHOD_COLOURS.get(method, "#717581"))

    def flavour(self, name: str) -> str:
        """Return a flavour's label."""
        return self.flavour_labels.get(name, f"{name} jets")

    def flavour_colour(self, name: str) -> str:
        """Return a flavour's colour."""
        return self.flavour_colours.get(name, _FLAVOUR_COLOURS[0])

    def region(self, name: str) -> str:
        """Return a region's label."""
        return self.region_labels.get(name, f"Region {name}")

    def method(self, name: str) -> str:
        """Return what a method is called in legends; an ensemble that lacks members says so."""
        label = _METHOD_LABELS.get(name, name)
        return f"{label} ({self.members})" if self.members and name == "deepsf" else label

    def members_line(self) -> str:
        """Return a second line for labels of the ensemble; empty if it lacks no members."""
        return f"\n({self.members})" if self.members else ""


@contextmanager
def context(scale: float = 1.0) -> Iterator[None]:
    """Set mplhep's CMS style for the time of a block; ``scale`` multiplies its font and line sizes."""
    style = dict(mplhep.styles.CMS)
    for key in ("xtick.major.size", "ytick.major.size", "xtick.minor.size", "ytick.minor.size", "axes.linewidth"):
        style[key] = style[key] * min(scale, 1.0)
    style |= {
        "font.size": style["font.size"] * scale,
        "lines.linewidth": 2.5 * scale,
        "hatch.linewidth": 1.2 * scale,
        "axes.unicode_minus": True,
        "pdf.fonttype": 42,
    }
    with mpl.rc_context(style):
        yield


@dataclass(frozen=True)
class Margins:
    """Room around and between the axes of a figure, in inches."""

    left: float = 1.45
    right: float = 0.25
    bottom: float = 1.1
    top: float = 0.6
    between_columns: float = 0.0
    between_rows: float = 0.0


def grid(
    rows: Sequence[float], columns: Sequence[float], margins: Margins, *, sharex: Any = False, sharey: Any = False
) -> tuple[Figure, Any]:
    """Return a figure and its axes, an array of shape (n_rows, n_columns).

    Parameters
    ----------
    rows, columns
        Heights and widths of the axes [inch]. The figure's size follows: no layout engine moves axes about.
    """
    width = margins.left + sum(columns) + (len(columns) - 1) * margins.between_columns + margins.right
    height = margins.bottom + sum(rows) + (len(rows) - 1) * margins.between_rows + margins.top
    figure = Figure(figsize=(width, height))
    placed = figure.add_gridspec(
        len(rows),
        len(columns),
        width_ratios=columns,
        height_ratios=rows,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
        wspace=margins.between_columns * len(columns) / sum(columns),
        hspace=margins.between_rows * len(rows) / sum(rows),
    )
    return figure, placed.subplots(sharex=sharex, sharey=sharey, squeeze=False)


def experiment_label(axes: Axes, style: Style, *, left: bool = True, right: bool = True, scale: float = 1.0) -> None:
    """Write the experiment's name and label above the axes at the left, luminosity and energy at the right."""
    size = mpl.rcParams["font.size"] * scale
    if left:
        # its adjustment for offset texts would draw the figure once more, and open one of pyplot's
        mplhep.label.exp_text(
            exp=style.experiment, text=style.label, loc=0, ax=axes, fontsize=0.9 * size, scilocator_adjust=False
        )
    if right and style.conditions:
        axes.text(1.0, 1.005, style.conditions, transform=axes.transAxes, ha="right", va="bottom", fontsize=0.8 * size)


def interval_text(symbol: str, low: float, high: float, *, open_above: bool, unit: str = "") -> str:
    """Return a bin in words: ``20 < pT < 30 GeV``."""
    after = f" {unit}" if unit else ""
    if open_above:
        return f"{symbol} > {low:g}{after}"
    return f"{symbol} < {high:g}{after}" if low == 0 else f"{low:g} < {symbol} < {high:g}{after}"


def kinematics_text(pt_gev: tuple[float, float], abseta: tuple[float, float], *, last_pt: bool) -> str:
    """Return a (pT, |eta|) bin in words; the last pT bin is open upwards."""
    pt = interval_text("$p_{T}$", *pt_gev, open_above=last_pt, unit="GeV")
    return pt + ", " + interval_text(r"|$\eta$|", *abseta, open_above=False)


def limits(*values: Floats, margin: float = 0.06, include: Sequence[float] = ()) -> tuple[float, float]:
    """Return limits that hold all finite values, with a margin; NaN is left out."""
    everything = np.concatenate([*(np.ravel(v) for v in values), np.asarray(include, float)])
    finite = everything[np.isfinite(everything)]
    if not len(finite):
        return 0.0, 2.0
    low, high = float(finite.min()), float(finite.max())
    room = margin * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def band(axes: Axes, low: Floats, high: Floats, edges: Floats, colour: str) -> None:
    """Hatch the range between two histograms."""
    axes.stairs(
        high, edges, baseline=low, fill=True, facecolor="none", edgecolor=colour, linewidth=0, hatch="////", zorder=3
    )


def steps(axes: Axes, values: Floats, edges: Floats, **options: Any) -> None:
    """Draw a histogram's outline without lines down to zero; NaN leaves a gap."""
    axes.stairs(values, edges, baseline=None, **options)


def corner_text(axes: Axes, text: str, *, size: str) -> None:
    """Write into the upper left corner of the axes."""
    axes.text(0.03, 0.965, text, transform=axes.transAxes, va="top", fontsize=size, linespacing=1.3)


def few_ticks(axes: Axes) -> None:
    """Label a low panel sparsely, and not at its top, where the panel above has labels; call it after the limits."""
    low, high = axes.get_ylim()
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick < high - 0.08 * (high - low)]))


def mark_outside(axes: Axes, x: Floats, y: Floats, colour: str) -> None:
    """Draw an arrow at the border for every point beyond the limits of the vertical axis."""
    low, high = axes.get_ylim()
    for outside, edge, marker in ((y > high, 0.97, "^"), (y < low, 0.03, "v")):
        if np.any(outside):
            height = np.full(int(np.sum(outside)), edge)
            arrows = axes.plot(x[outside], height, marker, color=colour, transform=axes.get_xaxis_transform())
            arrows[0].set_markersize(0.4 * mpl.rcParams["font.size"])


def save(figure: Figure, stem: Path, dpi: int) -> tuple[Path, Path]:
    """Write ``<stem>.pdf`` and ``<stem>.png``; equal figures give equal bytes.

    Returns
    -------
    tuple
        The two paths.
    """
    paths = stem.with_name(stem.name + ".pdf"), stem.with_name(stem.name + ".png")
    undated: dict[str, Any] = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
    with context():
        figure.savefig(paths[0], format="pdf", dpi=dpi, metadata=undated)
        figure.savefig(paths[1], format="png", dpi=dpi, metadata={"Software": None})
    return paths
