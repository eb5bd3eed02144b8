"""Training curves of all members."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from deepsf.plots.layout import Margins, corner_text, experiment_label, grid
from deepsf.plots.style import Style, context
from deepsf.plots.training import Curve, History, draw_members


def figure(histories: Sequence[History], flavours: Sequence[str], style: Style) -> Figure:
    """Return losses and the range of scale factors by pass.

    Parameters
    ----------
    flavours
        Measured flavours: the columns of the figure.

    Raises
    ------
    ValueError
        If there are no members, or a record lacks a column.
    """
    if not histories:
        raise ValueError("no training records; the figure needs at least one member")
    with context(0.95):
        margins = Margins(left=1.9, bottom=1.1, top=0.65, between_columns=1.9, between_rows=0.1)
        made, axes = grid([3.4] * 3, [6.4] * len(flavours), margins, sharex=True)
        for column, flavour in zip(axes.T, flavours, strict=True):
            for panel, (label, curves) in zip(column, _curves(flavour, style).items(), strict=True):
                draw_members(panel, histories, curves, head_room=0.4, n_ticks=5)
                panel.set_ylabel(label, loc="center", fontsize="small")
            trainings = style.members or f"{len(histories)} trainings"
            text = f"{style.flavour(flavour)}, {trainings}\nthick: median"
            corner_text(column[0], text, size="x-small")
            made.align_ylabels(column)
        axes[-1, -1].set_xlabel("Pass over the data")
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made


def _curves(flavour: str, style: Style) -> dict[str, list[Curve]]:
    """Return what is drawn, by label of the axis."""
    train, validation = (style.colour("train"), "-"), (style.colour("validation"), "--")
    losses = {
        label: [
            Curve(f"train_{network}_{flavour}", *train, "training"),
            Curve(f"validation_{network}_{flavour}", *validation, "validation"),
        ]
        for label, network in (("Discriminator loss", "discriminator"), ("Scale-factor loss", "scale_factor"))
    }
    extremes = [Curve(f"sf_max_{flavour}", *train, "largest"), Curve(f"sf_min_{flavour}", *validation, "smallest")]
    return losses | {"S of validation jets": extremes}
