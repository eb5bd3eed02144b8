"""The results that figures of efficiencies are tested on."""

from __future__ import annotations

import functools

from matplotlib.figure import Figure
from matplotlib.text import Text

from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.style import Style
from tests.analysis.efficiency.audit.audited_toy import CONFIG, FLAVOURS, audited, first_events, result, samples

STYLE = Style.of(CONFIG.plots, None, FLAVOURS)
LACKING = Style.of(CONFIG.plots, None, FLAVOURS, "18 of 20 members")


@functools.cache
def closure() -> EfficiencyClosure:
    return EfficiencyClosure.from_json(result().closure)


@functools.cache
def without_truth() -> EfficiencyClosure:
    kept = {name: first_events(samples()[name], 5000)._replace(truth=None) for name in ("test", "train")}
    return EfficiencyClosure.from_json(audited(kept).closure)


def texts(made: Figure) -> list[str]:
    """Return all texts of a figure; labels of ticks are made when it is drawn."""
    made.draw_without_rendering()
    return [text.get_text() for text in made.findobj(Text) if text.get_text()]


def clipped(made: Figure) -> list[str]:
    """Return visible texts that stick out of the figure."""
    made.draw_without_rendering()
    width, height = made.get_size_inches() * made.dpi
    hidden = set()
    for axes in made.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                # matplotlib keeps ticks beyond the limits without drawing them
                if not axes.get_visible() or not min(limits) <= tick.get_loc() <= max(limits):
                    hidden |= {id(tick.label1), id(tick.label2)}
    found = []
    for text in made.findobj(Text):
        if text.get_text() and text.get_visible() and id(text) not in hidden:
            box = text.get_window_extent()
            if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
                found.append(text.get_text())
    return found
