"""Losses of the members' trainings by pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from deepsf.efficiency.networks.convergence import not_converged
from deepsf.plots.layout import Margins, corner_text, experiment_label, grid
from deepsf.plots.style import Style, context
from deepsf.plots.training import Curve, History, draw_members


def figure(histories: Mapping[str, Sequence[History]], style: Style) -> Figure:
    """Return the cross-entropy by pass, a column a network.

    Parameters
    ----------
    histories
        By network, the ensemble's first, the records of its members: columns ``pass``, ``train_loss`` and, if there is
        one, ``validation_loss``.

    Raises
    ------
    ValueError
        If there is no network, a network has no members, or a record lacks a column.
    """
    if not histories or not all(histories.values()):
        raise ValueError("no training records; the figure needs at least one network with one member")
    train = Curve("train_loss", style.colour("train"), "-", "training")
    validation = Curve("validation_loss", style.colour("validation"), "--", "validation")
    with context(0.95):
        margins = Margins(left=1.9, bottom=1.1, top=0.65, between_columns=1.9)
        made, axes = grid([5.2], [7.2] * len(histories), margins)
        for panel, (model, members) in zip(axes[0], histories.items(), strict=True):
            is_validated = any(validation.column in history for history in members)
            curves = [train, validation] if is_validated else [train]
            draw_members(panel, members, curves, head_room=0.35, n_ticks=6)
            trainings = f"{len(members)} member" + ("s" if len(members) > 1 else "")
            if panel is axes[0, 0] and style.members:
                trainings = style.members
            if n_bad := sum(bool(_reasons(history)) for history in members):
                trainings += f", {n_bad} not converged"
            text = f"{style.method(model)}, {trainings}\nthick: median"
            corner_text(panel, text, size="x-small")
        axes[0, 0].set_ylabel("Cross-entropy per jet")
        axes[0, -1].set_xlabel("Pass over the data")
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made


def _reasons(history: History) -> list[str]:
    """Return why a training has not converged; nothing of records without validation."""
    return not_converged(history) if "start_loss" in history else []
