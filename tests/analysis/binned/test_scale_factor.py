"""The binned scale factor: evaluation, shifts, covariance, and its file."""

from __future__ import annotations

import json
from dataclasses import replace

import hist
import numpy as np
import pytest
import uhi.io.json

from deepsf.binned.flavour_tables import FlavourTables
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.probes.bins import FlavourBins
from deepsf.reading import FileContentError
from tests.analysis.binned.by_hand import BINS, by_hand, jets
from tests.analysis.binned.shifted_toy import BINS as TOY_BINS


def test_a_file_gives_back_the_same_numbers_and_the_same_bytes(toy, result):
    text = result.to_json()
    again = BinnedScaleFactor.from_json(text)
    assert again.to_json() == text
    for flavour in ("b", "c", "udsg"):
        for shift in result.shift_names:
            for method in ("binned", "binned_smooth"):
                np.testing.assert_array_equal(
                    again.evaluate(flavour, toy.inclusive.jets, method, shift=shift),
                    result.evaluate(flavour, toy.inclusive.jets, method, shift=shift),
                )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.clear(), "it lacks 'flavours'"),
        (lambda content: content["flavours"]["b"].pop("nodes"), "it lacks 'nodes'"),
        (
            lambda content: content["flavours"]["b"]["nodes"].pop(),
            r"there are \d+ nodes and \d+ marks of",
        ),
        (lambda content: content["flavours"]["b"]["smooth"]["lf_up"].pop(), "smooth of lf_up has the shape"),
        (lambda content: content["flavours"]["b"].update(space="evil"), "the space 'evil' is unknown"),
        (lambda content: content["flavours"]["b"].update(replicas=3), "'int' object has no attribute 'values'"),
        (lambda content: content["flavours"]["b"]["normalisation"]["nominal"]["binned"].update(mean=[0.0]), "means"),
        (lambda content: content.update(flavours=[]), "'list' object has no attribute 'items'"),
    ],
)
def test_a_file_that_was_edited_is_refused_by_name(result, tmp_path, change, message):
    content = json.loads(result.to_json())
    change(content)
    path = tmp_path / "binned.json"
    path.write_text(json.dumps(content))
    with pytest.raises(FileContentError, match=rf"binned\.json: .*{message}.*; the file was damaged or edited"):
        BinnedScaleFactor.load(path)


def test_no_damage_to_a_file_gives_anything_but_a_documented_error(result, tmp_path):
    whole, rng = result.to_json().encode(), np.random.default_rng(1)
    path = tmp_path / "binned.json"
    of_labels = whole.replace(b"[GeV]", b"     ")  # no structure, though it looks like some
    structure = [place for place, byte in enumerate(of_labels) if byte in b'{}[]":,']
    damages = [whole[: len(whole) // 2], b"", b"[]", b"null", b"[" * 100_000]
    for place in rng.choice(structure, 30):
        damages.append(whole[:place] + b"x" + whole[place + 1 :])
    for damage in damages:
        path.write_bytes(damage)
        with pytest.raises(FileContentError, match=r"binned\.json: "):
            BinnedScaleFactor.load(path)


def test_the_file_is_a_histogram_with_a_shift_axis(result):
    content = json.loads(result.to_json(), object_hook=uhi.io.json.object_hook)
    histogram = hist.Hist(content["flavours"]["b"]["scale_factor"])
    assert [axis.name for axis in histogram.axes] == ["shift", "pt", "abseta", "discriminant"]
    table = result.flavours["b"]
    # the toy has no invalid scores: what is not measured is null
    assert (~table.measured).sum() == table.bins.shape[0] * table.bins.shape[1]
    lf_up, error = histogram["lf_up", ...].values(), np.sqrt(histogram["nominal", ...].variances())
    np.testing.assert_array_equal(lf_up, np.where(table.measured, table.sf_of("lf_up"), np.nan))
    np.testing.assert_allclose(error, np.where(table.measured, table.error, np.nan))
    # 3 of at most 11 eigenvectors: more than their number's share, less than everything
    assert 3 / 11 < content["covariance"]["carried"][-1] < 1
    assert len(content["covariance"]["eigenvalues"]) == 3


def test_a_shift_of_another_flavour_gives_the_nominal(toy, result):
    jets = toy.inclusive.jets
    np.testing.assert_array_equal(result.evaluate("b", jets, shift="cferr1_up"), result.evaluate("b", jets))
    np.testing.assert_array_equal(result.evaluate("c", jets, shift="lf_up"), np.ones(len(jets)))
    assert np.ptp(result.evaluate("c", jets, shift="cferr1_up")) > 0.01
    assert np.abs(result.evaluate("b", jets, shift="lf_up") - result.evaluate("b", jets)).max() > 0.01


def test_an_unknown_shift_is_an_error(toy, result):
    with pytest.raises(KeyError, match="no shift 'jesFlavour_up'; there are nominal, lf_up"):
        result.evaluate("b", toy.inclusive.jets, shift="jesFlavour_up")


def test_eigenvectors_are_the_covariance_of_the_bootstraps(result):
    table = result.flavours

    def step_of(k):  # bins that were not measured do not vary
        return np.nan_to_num(
            np.concatenate([(table[f].sf_of(f"stat{k}_up") - table[f].sf).ravel() for f in ("b", "udsg")])
        )

    steps = [step_of(k) for k in (1, 2, 3)]
    covariance = result.covariance()
    sizes = [step @ step for step in steps]
    np.testing.assert_allclose(sizes, covariance.values[:3])
    # along an eigenvector the covariance is its eigenvalue
    for step, size in zip(steps, sizes, strict=True):
        np.testing.assert_allclose(covariance.matrix @ step, size * step, atol=1e-12)
    down = table["b"].sf - table["b"].sf_of("stat1_down")
    np.testing.assert_allclose(down, table["b"].sf_of("stat1_up") - table["b"].sf, atol=1e-12)


def test_bins_are_evaluated_over_their_normalisation():
    sf = BinnedScaleFactor({"b": by_hand()}, (0.0,))
    sample = jets([30, 30, 30, 60, 60], [-1, 0.1, 0.9, 0.1, 0.9])
    np.testing.assert_allclose(sf.evaluate("b", sample, normalised=False), [1, 2, 4, 1, 5])
    np.testing.assert_allclose(sf.evaluate("b", sample), [0.5, 1, 2, 2, 10])
    np.testing.assert_allclose(sf.evaluate("b", sample, shift="lf_up", normalised=False), [2, 4, 8, 1, 10])
    np.testing.assert_array_equal(sf.evaluate("c", sample), np.ones(5))


def test_values_below_zero_count_as_zero_and_are_counted(toy):
    tables = FlavourTables(toy.measurement(), "b", "b", FlavourBins.of(TOY_BINS["b"]), "logit")
    sf = np.ones(tables.shape)
    sf[0, 0, 1], sf[1, 0, 0] = -0.3, -0.1
    table = tables.table(sf, np.ones(tables.shape, bool))
    assert table.n_below_zero == 2
    np.testing.assert_array_equal(table.sf, sf)  # as measured
    rows = jets([30, 30, 200, 200], [-1, 0.1, -1, 0.1])
    np.testing.assert_array_equal(table.raw(rows, "binned"), [1, 0, 0, 1])
    score = np.linspace(0.0, 1.0, 1001)
    smooth = table.raw(jets([30] * 1001, score), "binned_smooth")
    assert smooth.min() == 0.0
    assert smooth.max() > 0.9
    # the mean over jets is that of what is applied
    sample = toy.measurement().inclusive_of("b").jets
    for method in ("binned", "binned_smooth"):
        normalised = BinnedScaleFactor({"b": table}, (0.0,)).evaluate("b", sample, method)
        np.testing.assert_allclose(normalised.mean(), 1.0, rtol=1e-9)


def test_the_smooth_curve_goes_through_the_nodes_and_is_constant_beyond_them():
    table = by_hand()
    value = table.raw(jets([30] * 5, [0.01, 0.25, 0.5, 0.75, 0.99]), "binned_smooth")
    np.testing.assert_allclose(value[[0, 1, 3, 4]], [2, 2, 4, 4], rtol=1e-6)
    assert 2 < value[2] < 4
    # above 50 GeV one bin was measured alone; invalid scores have no curve
    np.testing.assert_allclose(table.raw(jets([60, 60, 60], [0.1, 0.9, -1]), "binned_smooth"), [5, 5, 3])


def test_bins_jets_lie_in():
    bins = by_hand().jet_bins(jets([30, 60], [-1, 0.75]))
    np.testing.assert_array_equal(bins.bin, [0, 5])
    np.testing.assert_array_equal(bins.row, [0, 1])
    np.testing.assert_array_equal(bins.is_valid, [False, True])
    assert bins.position[1] == pytest.approx(np.log(3.0))


def test_what_is_not_measured_is_null_in_the_file_and_comes_back():
    table = replace(by_hand(), replicas=np.ones((2, *BINS.shape)), replica_measured=np.ones((2, *BINS.shape), bool))
    table.replica_measured[1, 0, 0, 2], table.error[0, 0, 0] = False, 0.0
    text = BinnedScaleFactor({"b": table}, (0.0,)).to_json()
    stored = json.loads(text)["flavours"]["b"]
    assert stored["scale_factor"]["storage"]["values"][0] == [[[1.0, 2.0, 4.0]], [[3.0, None, 5.0]]]
    assert stored["smooth"]["lf_up"] == [[[4.0, 8.0]], [[None, 10.0]]]
    assert stored["replicas"]["storage"]["values"][1] == [[[1.0, 1.0, None]], [[1.0, 1.0, 1.0]]]
    again = BinnedScaleFactor.from_json(text)
    assert again.to_json() == text
    for name in ("sf", "measured", "error", "replicas", "replica_measured", "smooth"):
        np.testing.assert_allclose(getattr(again.flavours["b"], name), getattr(table, name), err_msg=name)


@pytest.mark.parametrize("name", ["sf", "error", "smooth"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_table_holds_a_number_that_is_not_finite(name, value):
    values = getattr(by_hand(), name).copy()
    values[0, 0, 0] = value
    with pytest.raises(ValueError, match=rf"{name}: 1 of \d values are not finite; measure it anew"):
        replace(by_hand(), **{name: values})
