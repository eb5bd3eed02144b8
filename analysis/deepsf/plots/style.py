"""What all figures share: labels, colours, sizes of fonts and lines, and writing PDF and PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure

from deepsf.config.campaign import Campaign
from deepsf.config.efficiency.networks import NETWORKS
from deepsf.config.plots import Plots

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


_ENSEMBLE = "deepsf"
_ERROR_PARTS = {"shifts": "syst. shifts", "train": "spread of trainings"}
"""What parts of errors are called where their name does not do."""


@dataclass(frozen=True)
class Style:
    """Labels and colours of a campaign's figures.

    ``members`` says which part of the ensemble is shown, if not all, or which has not converged; ``other_members`` says
    the same of other methods, by name. ``errors_lacking`` names the parts that the ensemble's errors lack, ``training``
    what the ensemble was trained on and how long, in words.
    """

    experiment: str
    label: str
    discriminant_label: str
    conditions: str = ""
    flavour_labels: Mapping[str, str] = field(default_factory=dict)
    flavour_colours: Mapping[str, str] = field(default_factory=dict)
    region_labels: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    members: str = ""
    other_members: Mapping[str, str] = field(default_factory=dict)
    errors_lacking: Sequence[str] = ()
    training: str = ""

    @classmethod
    def of(
        cls, plots: Plots, campaign: Campaign | None, flavours: Sequence[str], notes: Mapping[str, str] | None = None
    ) -> Style:
        """Return the style of a configuration; flavours without an entry get a label and a colour of their own.

        Parameters
        ----------
        campaign
            None where there are no data, and so no luminosity to quote.
        flavours
            All flavours of the configuration, in its order.
        notes
            Of `deepsf.audit.summary.members_notes`.

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
        conditions, notes = "", notes or {}
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
            members=notes.get(_ENSEMBLE, ""),
            other_members={name: note for name, note in notes.items() if name != _ENSEMBLE},
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
        """Return what a method is called in legends; one that lacks members, or has some not converged, says so."""
        return f"{self.plain_method(name)}{self.members_line(name)}".replace("\n(", " (")

    def plain_method(self, name: str) -> str:
        """Return the same without a word on members."""
        return _METHOD_LABELS.get(name, name)

    def error_label(self) -> str:
        """Return what the error of the ensemble is called: total, or without what it lacks."""
        lacking = ", ".join(_ERROR_PARTS.get(part, part) for part in self.errors_lacking)
        return f"DeepSF, error without\n{lacking}" if lacking else "DeepSF, total error"

    def members_line(self, name: str = _ENSEMBLE) -> str:
        """Return a second line for labels of a method; empty if nothing has to be said of its members."""
        note = self.members if name == _ENSEMBLE else self.other_members.get(name, "")
        return f"\n({note})" if note else ""


_UNDATED: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


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


def save(figure: Figure, stem: Path, dpi: int, formats: Sequence[str] = tuple(_UNDATED)) -> tuple[Path, ...]:
    """Write ``<stem>.<format>`` in every format, ``pdf`` or ``png``; equal figures give equal bytes.

    Returns
    -------
    tuple
        The paths, in the order of the formats.
    """
    paths = {kind: stem.with_name(f"{stem.name}.{kind}") for kind in formats}
    with context():
        for kind, path in paths.items():
            figure.savefig(path, format=kind, dpi=dpi, metadata=_UNDATED[kind])
    return tuple(paths.values())
