"""Style, labels, limits and writing of figures."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from deepsf.config.campaign import Campaign
from deepsf.config.plots import FlavourStyle, Plots
from deepsf.plots.layout import Margins, experiment_label, grid
from deepsf.plots.style import Style, context, save

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


def test_a_format_alone_is_written_alone(tmp_path):
    (png,) = save(drawing(), tmp_path / "one", 50, ["png"])
    assert [path.name for path in tmp_path.iterdir()] == [png.name] == ["one.png"]
    assert png.read_bytes() == save(drawing(), tmp_path / "both", 50)[1].read_bytes()


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
