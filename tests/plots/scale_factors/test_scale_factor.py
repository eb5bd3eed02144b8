"""Scale factors against the discriminant: what is drawn, and that all of it is seen."""

from __future__ import annotations

from dataclasses import replace

import hist
import numpy as np
import pytest
from correctionlib import schemav2

from deepsf.binned.scale_factor import BinnedFlavour, BinnedScaleFactor, ShiftedValues, normalised_bins
from deepsf.networks.ensemble import FlavourSummary, summarise_flavour
from deepsf.plots.scale_factors.panels import Reference, panels
from deepsf.plots.scale_factors.scale_factor import figure, figures, overview, value_range
from deepsf.plots.style import Style, save
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets, logit
from deepsf.probes.weights import NormalisationTable

STYLE = Style("DeepSF", "Toy simulation", "DeepJet discriminant", "10 fb$^{-1}$ (13 TeV)")
BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 2.5]), np.array([-2.01, 0.0, 0.1, 0.5, 1.01]))
N_MEMBERS = 3


def flat_table(mean: float = 1.0) -> NormalisationTable:
    return NormalisationTable(KinematicBins(np.empty(0), np.empty(0)), np.array([mean]))


def binned(bins: FlavourBins = BINS, mean: float = 1.0) -> BinnedScaleFactor:
    sf = 1.0 + 0.1 * np.arange(np.prod(bins.shape), dtype=float).reshape(bins.shape)
    node = logit(0.5 * (bins.discriminant[1:-1] + np.minimum(bins.discriminant[2:], 1.0)))
    tables = {"binned": flat_table(mean), "binned_smooth": flat_table(mean)}
    flavour = BinnedFlavour(
        bins, sf, np.full(bins.shape, 0.2), np.ones((2, *bins.shape)), node, sf[..., 1:], "logit", tables
    )
    return BinnedScaleFactor({"b": flavour}, (0.0,))


def summary(bins: FlavourBins = BINS, n_invalid: int = 20, value: float = 1.0) -> FlavourSummary:
    rng = np.random.default_rng(1)
    n = 4000
    pt, disc = rng.uniform(20, 80, n).astype("f4"), rng.uniform(0, 1, n).astype("f4")
    disc[:n_invalid] = -1.0
    jets = Jets(pt, rng.uniform(0, 2.4, n).astype("f4"), disc, np.zeros(n, np.int8))
    return summarise_flavour(bins, jets, rng.normal(value, 0.05, (N_MEMBERS, n)))


def truth(bins: FlavourBins = BINS, value: float = 0.9) -> hist.Hist:
    names = ("pt", "abseta", "discriminant")
    axes = [hist.axis.Variable(edges, name=name, flow=False) for name, edges in zip(names, bins, strict=True)]
    filled = hist.Hist(*axes)
    filled.view()[...] = value
    return filled


def legend_labels(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_normalisation_divides_values_and_errors():
    value, error = normalised_bins(binned(mean=2.0).flavours["b"])
    np.testing.assert_allclose(value[0, 0], [0.5, 0.55, 0.6, 0.65])
    np.testing.assert_allclose(error, 0.1)


def test_normalisation_in_other_bins_is_averaged_over_the_jets_of_a_bin():
    # kinematic bins 20-35 | 35-50 | 50-1000 with means 1.0, 1.2, 0.8: the bin 20-50 holds the first two, in equal parts
    table = NormalisationTable(KinematicBins(np.array([35.0, 50.0]), np.empty(0)), np.array([1.0, 1.2, 0.8]))
    flavour = replace(binned().flavours["b"], normalisation={"binned": table, "binned_smooth": table})
    value, _ = normalised_bins(flavour)
    np.testing.assert_allclose(value[:, 0, 0], [1.0 / 1.1, 1.4 / 0.8])


def test_panels_hold_each_methods_numbers():
    made = panels("b", binned(), summary(), truth())
    assert [panel.stem for panel in made] == ["sf_b_pt20to50_eta0to2p5", "sf_b_pt50up_eta0to2p5"]
    np.testing.assert_allclose(made[0].binned, [1.0, 1.1, 1.2, 1.3])
    np.testing.assert_allclose(made[1].truth, 0.9)
    np.testing.assert_allclose(made[0].mean, 1.0, atol=0.05)
    assert made[0].n_members == N_MEMBERS
    assert made[0].n_jets.sum() + made[1].n_jets.sum() == 4000


def test_the_smooth_curve_passes_through_the_points():
    panel = panels("b", binned(), summary())[0]
    np.testing.assert_allclose(np.interp(panel.node[1:], panel.fine, panel.smooth), panel.binned[1:], atol=0.005)


def test_the_ensemble_must_have_the_same_bins():
    other = FlavourBins(BINS.pt_gev, BINS.abseta, np.array([-2.01, 0.0, 0.2, 0.5, 1.01]))
    with pytest.raises(ValueError, match=r"summary of b has the discriminant edges \[-2.01, 0.0, 0.2.*binned.bins"):
        panels("b", binned(), summary(other))
    with pytest.raises(ValueError, match=r"the truth of b has the discriminant edges"):
        panels("b", binned(), summary(), truth(other))
    with pytest.raises(ValueError, match=r"direct of b has the discriminant edges"):
        panels("b", binned(), summary(), further={"direct": truth(other)})


def test_everything_drawn_lies_within_the_axes():
    reference = Reference("elsewhere", lambda flavour, pt, abseta, disc: np.full(len(disc), 2.4))
    panel = panels("b", binned(), summary(), truth(value=0.2), reference, {"direct": truth(value=3.1)})[1]
    main, ratio = figure(panel, STYLE).axes
    low, high = main.get_ylim()
    seen = [panel.binned - panel.error, panel.binned + panel.error, panel.mean - panel.sem, panel.mean + panel.sem]
    for values in (*seen, panel.truth, panel.reference, panel.smooth, panel.further["direct"]):
        assert low < values.min()
        assert values.max() < high
    low, high = ratio.get_ylim()
    for values in (*seen, panel.truth, panel.further["direct"]):
        assert low < (values / panel.binned).min()
        assert (values / panel.binned).max() < high


@pytest.mark.parametrize("further", [{}, {"direct": 1.0}])
@pytest.mark.parametrize("reference", [None, Reference("elsewhere", lambda flavour, pt, abseta, disc: disc + 0.8)])
def test_the_legend_stays_above_the_data(reference, further):
    means = {name: truth(value=value) for name, value in further.items()}
    panel = panels("b", binned(), summary(), truth(), reference, means)[1]
    made = figure(panel, STYLE)
    made.draw_without_rendering()
    main = made.axes[0]
    legend = main.get_legend().get_window_extent().transformed(main.transData.inverted())
    assert legend.y0 > value_range([panel])[1]


@pytest.mark.parametrize("make", [lambda p: figure(p[0], STYLE), lambda p: overview(p, STYLE)])
def test_nothing_is_cut_off_at_the_figures_border(make):
    made = make(panels("b", binned(), summary(), truth()))
    made.draw_without_rendering()
    tight = made.get_tightbbox()
    width, height = made.get_size_inches()
    assert tight.x0 >= 0
    assert tight.y0 >= 0
    assert tight.x1 <= width
    assert tight.y1 <= height


def test_a_further_method_is_drawn_by_bin_and_named():
    panel = panels("b", binned(), summary(), further={"direct": truth(value=1.3)})[0]
    np.testing.assert_allclose(panel.further["direct"], 1.3)
    assert "Direct density ratio,\nmean per bin" in legend_labels(figure(panel, STYLE).axes[0])


def test_labels_have_units_and_name_every_uncertainty():
    made = figure(panels("b", binned(), summary(), truth())[0], STYLE)
    main, ratio = made.axes
    assert main.get_ylabel() == "Scale factor"
    assert ratio.get_xlabel() == "DeepJet discriminant"
    assert r"b jets, 20 < $p_{T}$ < 50 GeV, |$\eta$| < 2.5" in [text.get_text() for text in main.texts]
    labels = [label.replace("\n", " ") for label in legend_labels(main)]
    assert "SEM of 3 trainings (training spread only)" in labels
    assert "Binned SF, stat. (event bootstrap)" in labels
    assert "Truth, mean per bin" in labels


def test_without_truth_or_reference_neither_is_in_the_legend():
    labels = legend_labels(figure(panels("b", binned(), summary())[0], STYLE).axes[0])
    assert not any("Truth" in label for label in labels)
    assert len(labels) == 5


def test_the_ratio_is_deepsf_over_binned():
    panel = panels("b", binned(), summary())[1]
    ratio = figure(panel, STYLE).axes[1]
    outlines = [patch.get_data() for patch in ratio.patches]
    assert any(np.allclose(data.values, panel.mean / panel.binned) for data in outlines)
    top, bottom = (panel.mean + panel.sem) / panel.binned, (panel.mean - panel.sem) / panel.binned
    assert any(
        np.allclose(d.values, top) and np.allclose(d.baseline, bottom) for d in outlines if d.baseline is not None
    )


def test_the_slot_of_invalid_scores_is_there_only_with_such_jets():
    with_invalid = figure(panels("b", binned(), summary())[0], STYLE).axes[1]
    without = figure(panels("b", binned(), summary(n_invalid=0))[0], STYLE).axes[1]
    assert with_invalid.get_xlim()[0] == -2.01
    assert without.get_xlim()[0] == 0.0


def test_values_beyond_the_histogram_are_mentioned():
    texts = [t.get_text() for t in figure(panels("b", binned(), summary(value=1.8))[0], STYLE).axes[0].texts]
    assert any("% of the jets lie outside 0.4 to 1.8" in text for text in texts)


def test_bins_that_were_not_measured_leave_gaps(tmp_path):
    sf = binned()
    sf.flavours["b"].sf[0, 0, 2] = np.nan
    sf.flavours["b"].error[...] = np.nan
    made = figure(panels("b", sf, summary())[0], STYLE)
    assert np.isfinite(made.axes[0].get_ylim()).all()
    save(made, tmp_path / "gap", 50)


def test_figures_come_with_their_file_stems():
    stems = [stem for stem, _ in figures(panels("b", binned(), summary()), STYLE)]
    assert stems == ["sf_b_pt20to50_eta0to2p5", "sf_b_pt50up_eta0to2p5"]


def test_the_overview_has_abseta_in_rows_and_pt_in_columns():
    bins = FlavourBins(BINS.pt_gev, np.array([0.0, 0.8, 2.5]), BINS.discriminant)
    made = overview(panels("b", binned(bins), summary(bins)), STYLE)
    texts = [axes.texts[0].get_text() if axes.texts else "" for axes in made.axes]
    expected = [
        r"20 < $p_{T}$ < 50 GeV, |$\eta$| < 0.8",
        r"$p_{T}$ > 50 GeV, |$\eta$| < 0.8",
        r"20 < $p_{T}$ < 50 GeV, 0.8 < |$\eta$| < 2.5",
        r"$p_{T}$ > 50 GeV, 0.8 < |$\eta$| < 2.5",
    ]
    shown = [[t.get_text() for t in axes.texts] for axes in made.axes]
    assert all(any(want in text for text in have) for want, have in zip(expected, shown, strict=True)), texts


def test_a_written_figure_is_small_and_repeatable(tmp_path):
    made = panels("b", binned(), summary(), truth())
    first = save(figure(made[0], STYLE), tmp_path / "one", 60)
    second = save(figure(made[0], STYLE), tmp_path / "two", 60)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].stat().st_size < 200_000


def correction(inputs: list[str]):
    types = {"systematic": "string", "flavor": "int"}
    node = schemav2.Formula(nodetype="formula", expression="x*10", parser="TFormula", variables=["discriminant"])
    content = schemav2.Correction(
        name="shape",
        version=1,
        inputs=[schemav2.Variable(name=name, type=types.get(name, "real")) for name in inputs],
        output=schemav2.Variable(name="weight", type="real"),
        data=node,
    )
    return content.to_evaluator()


def test_a_reference_takes_its_inputs_by_name():
    shape = correction(["systematic", "flavor", "abseta", "pt", "discriminant"])
    reference = Reference.of_correction(shape, "public", "central", {"b": (5,)})
    panel = panels("b", binned(), summary(), reference=reference)[0]
    np.testing.assert_allclose(panel.reference, 10 * panel.fine)
    assert "public" in legend_labels(figure(panel, STYLE).axes[0])


def test_a_reference_of_further_inputs_is_refused():
    with pytest.raises(ValueError, match=r"correction shape has the inputs \['rho'\]"):
        Reference.of_correction(correction(["rho", "discriminant"]), "public", "central", {"b": (5,)})


def shifted(**shifts) -> BinnedScaleFactor:
    """Return the scale factors with shifts of all values by a factor; normalised as the nominal."""
    table = binned(mean=2.0).flavours["b"]
    values = {name: ShiftedValues(table.sf * f, table.smooth * f, table.normalisation) for name, f in shifts.items()}
    return BinnedScaleFactor({"b": replace(table, shifts=values)}, (0.0,))


def test_the_systematic_envelope_is_of_normalised_values():
    sf = shifted(lf_up=1.3, lf_down=0.9, hf_up=1.4, hf_down=1.0, hfstats1_up=5.0, hfstats1_down=0.1, stat1_up=9.0)
    panel = panels("b", sf, summary())[0]
    # 0.3 and 0.4 in quadrature, 0.1 and 0, of the normalised value
    np.testing.assert_allclose(panel.systematic.up, 0.5 * panel.binned)
    np.testing.assert_allclose(panel.systematic.down, 0.1 * panel.binned)


def test_the_envelope_is_drawn_named_and_in_range():
    panel = panels("b", shifted(lf_up=1.5, lf_down=0.6), summary())[0]
    made = figure(panel, STYLE)
    bands = [[p.get_data() for p in axes.patches if p.get_alpha() and not p.get_hatch()] for axes in made.axes]
    np.testing.assert_allclose(bands[0][0].values, 1.5 * panel.binned)
    np.testing.assert_allclose(bands[0][0].baseline, 0.6 * panel.binned)
    np.testing.assert_allclose(bands[1][0].values, 1.5)
    np.testing.assert_allclose(bands[1][0].baseline, 0.6)
    assert made.axes[0].get_ylim()[1] > (1.5 * panel.binned[1:]).max()
    assert made.axes[1].get_ylim()[0] < 0.6
    assert "Binned SF,\nsyst. envelope" in legend_labels(made.axes[0])


def test_without_systematic_shifts_nothing_is_added():
    for sf in (binned(), shifted(hfstats1_up=1.5, hfstats1_down=0.5)):
        panel = panels("b", sf, summary())[0]
        assert panel.systematic is None
        assert not any("syst" in label for label in legend_labels(figure(panel, STYLE).axes[0]))
