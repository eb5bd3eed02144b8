"""Style, labels, limits and writing of figures."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from deepsf.config.campaign import Campaign
from deepsf.config.plots import FlavourStyle, Plots
from deepsf.plots.style import (
    Margins,
    Style,
    context,
    experiment_label,
    grid,
    interval_text,
    kinematics_text,
    limits,
    mark_outside,
    save,
)

CAMPAIGN = Campaign(era="toy", energy_tev=13.6, luminosity_ifb=34.5)
FLAVOURS = ("b", "c", "udsg")
STYLE = Style.of(Plots(experiment="DeepSF", label="Toy simulation"), CAMPAIGN, FLAVOURS)


def drawing() -> Figure:
    with context():
        figure, axes = grid([4.0], [5.0], Margins())
        axes[0, 0].plot([0.0, 1.0], [1.0, 2.0])
        axes[0, 0].set_xlabel(r"Jet $p_{T}$ [GeV], |$\eta$|")
        experiment_label(axes[0, 0], STYLE)
    return figure


def test_equal_figures_are_written_as_equal_bytes_without_a_date(tmp_path):
    first = save(drawing(), tmp_path / "first", 100)
    second = save(drawing(), tmp_path / "second", 100)
    assert [path.suffix for path in first] == [".pdf", ".png"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    for forbidden in (b"CreationDate", b"ModDate", b"Matplotlib"):
        assert all(forbidden not in path.read_bytes() for path in first)


def test_a_stem_with_dots_keeps_its_name(tmp_path):
    pdf, png = save(drawing(), tmp_path / "eta0.8", 50)
    assert (pdf.name, png.name) == ("eta0.8.pdf", "eta0.8.png")


def test_pdf_fonts_are_truetype_as_journals_ask(tmp_path):
    pdf, _ = save(drawing(), tmp_path / "fonts", 50)
    assert b"/Type3" not in pdf.read_bytes()


def test_fonts_have_every_glyph(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a missing glyph
        written = save(drawing(), tmp_path / "glyphs", 50)
    assert all(path.stat().st_size > 0 for path in written)


def test_drawing_leaves_no_global_state(tmp_path):
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    save(drawing(), tmp_path / "figure", 50)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_label_luminosity_and_energy_come_from_the_configuration():
    texts = [text.get_text() for text in drawing().axes[0].texts]
    assert "DeepSF" in texts
    assert "Toy simulation" in texts
    assert "34.5 fb$^{-1}$ (13.6 TeV)" in texts
    assert not any("CMS" in text for text in texts)


def test_without_a_campaign_there_is_no_luminosity_to_quote():
    style = Style.of(Plots(experiment="DeepSF", label="Toy simulation"), None, FLAVOURS)
    with context():
        _, axes = grid([4.0], [5.0], Margins())
        experiment_label(axes[0, 0], style)
    assert style.conditions == ""
    assert [text.get_text() for text in axes[0, 0].texts] == ["DeepSF", "Toy simulation"]


def test_axes_have_the_size_that_was_asked_for():
    figure, axes = grid([3.0, 1.0], [5.0, 2.0], Margins(between_columns=0.5, between_rows=0.25))
    width, height = figure.get_size_inches()
    sizes = [[(a.get_position().width * width, a.get_position().height * height) for a in row] for row in axes]
    np.testing.assert_allclose(sizes, [[(5, 3), (2, 3)], [(5, 1), (2, 1)]], rtol=1e-9)
    # 1.45 + 5 + 0.5 + 2 + 0.25 and 0.6 + 3 + 0.25 + 1 + 1.1
    np.testing.assert_allclose((width, height), (9.2, 5.95))


def test_limits_hold_all_finite_values():
    low, high = limits(np.array([1.0, np.nan, 3.0]), np.array([[np.inf, -1.0]]))
    assert low < -1.0
    assert high > 3.0
    assert np.isfinite([low, high]).all()


def test_limits_of_nothing_are_still_limits():
    assert limits(np.array([np.nan])) == (0.0, 2.0)


def test_points_beyond_the_limits_get_an_arrow():
    _, axes = grid([3.0], [3.0], Margins())
    axes[0, 0].set_ylim(0.5, 1.5)
    mark_outside(axes[0, 0], np.array([1.0, 2.0, 3.0]), np.array([1.0, 7.0, np.nan]), "black")
    (line,) = axes[0, 0].lines
    assert line.get_marker() == "^"
    assert list(line.get_xdata()) == [2.0]


@pytest.mark.parametrize(
    ("low", "high", "open_above", "text"),
    [(20, 30, False, "20 < x < 30 GeV"), (0, 2.5, False, "x < 2.5 GeV"), (140, 1000, True, "x > 140 GeV")],
)
def test_bins_in_words(low, high, open_above, text):
    assert interval_text("x", low, high, open_above=open_above, unit="GeV") == text


def test_kinematic_bins_carry_units():
    assert kinematics_text((20, 30), (0.8, 1.6), last_pt=False) == r"20 < $p_{T}$ < 30 GeV, 0.8 < |$\eta$| < 1.6"


def test_flavours_without_an_entry_get_colours_of_their_own():
    given = Style.of(Plots(flavours={"b": FlavourStyle(label="b", colour="#000000")}), CAMPAIGN, FLAVOURS)
    assert given.flavour("b") == "b"
    assert given.flavour("udsg") == "udsg jets"
    assert len({given.flavour_colour(name) for name in FLAVOURS}) == 3


def test_colours_of_the_configuration_win():
    given = Style.of(Plots(colours={"deepsf": "#123456"}), CAMPAIGN, FLAVOURS)
    assert given.colour("deepsf") == "#123456"
    assert given.colour("binned") != given.colour("truth")


@pytest.mark.parametrize(
    ("plots", "message"),
    [
        (Plots(colours={"deppsf": "#123456"}), r"plots\.colours\.deppsf: not one of .*'deepsf'"),
        (
            Plots(flavours={"s": FlavourStyle(label="s", colour="#123456")}),
            r"plots\.flavours\.s: not one of \['b', 'c'",
        ),
        (Plots(colours={"truth": "blakc"}), r"colour of truth, 'blakc', is not a colour"),
    ],
)
def test_misspelt_plot_settings_are_refused(plots, message):
    with pytest.raises(ValueError, match=message):
        Style.of(plots, CAMPAIGN, FLAVOURS)
