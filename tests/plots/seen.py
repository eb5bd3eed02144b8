"""What is seen in a figure: texts, outlines, points, and what sticks out of it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from deepsf.plots.style import context


def texts(figure: Figure) -> list[str]:
    """Return all texts of a figure; labels of ticks are made when it is drawn."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def legend_labels(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def height_labels(axes) -> list[Bbox]:
    """Return the boxes of the vertical axis's labels in a figure that was drawn, those within its limits alone."""
    low, high = sorted(axes.get_ylim())
    ticks = [tick for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.label1.get_window_extent() for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]


def assert_labels_apart(*panels) -> None:
    """Fail if labels of the vertical axes of panels one above another touch; each panel must have two or more."""
    with context():
        panels[0].figure.draw_without_rendering()
        of_panel = [height_labels(axes) for axes in panels]
    assert min(len(boxes) for boxes in of_panel) >= 2
    boxes = [box for found in of_panel for box in found]
    assert not [1 for i, box in enumerate(boxes) for other in boxes[:i] if box.overlaps(other)]


def outlines(axes) -> list[np.ndarray]:
    return [patch.get_data().values for patch in axes.patches if not patch.get_fill()]


def points(axes) -> tuple[np.ndarray, np.ndarray]:
    """Return heights and errors of the first points with errors; NaN for the error of a point that is not drawn."""
    container = next(c for c in axes.containers if hasattr(c, "has_yerr") and len(c.lines[0].get_ydata()))
    bars = container.lines[2][-1].get_segments()
    halves = [0.5 * (bar[1, 1] - bar[0, 1]) if len(bar) else np.nan for bar in bars]
    return np.asarray(container.lines[0].get_ydata(), float), np.array(halves)


def clipped(figure: Figure) -> list[str]:
    """Return visible texts that stick out of the figure."""
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    hidden = set()
    for axes in figure.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                # matplotlib keeps ticks beyond the limits without drawing them
                if not axes.get_visible() or not min(limits) <= tick.get_loc() <= max(limits):
                    hidden |= {id(tick.label1), id(tick.label2)}
    found = []
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible() and id(text) not in hidden:
            box = text.get_window_extent()
            if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
                found.append(text.get_text())
    return found


def assert_whole(figure: Figure) -> None:
    """Fail if anything sticks out of a figure as it is saved."""
    with context():
        figure.draw_without_rendering()
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        outside = clipped(figure)
    assert min(box.x0, box.y0) >= 0, (box, outside)
    assert box.x1 <= width, (box, outside)
    assert box.y1 <= height, (box, outside)
