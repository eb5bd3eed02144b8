"""Weights and scores of the preselected events, as the tables have them."""

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.skim.cut_flow import SkimError


def test_data_have_unit_weights_and_flavour_minus_one(make_nanoaod, skim, data):
    report, entries, jets = skim(make_nanoaod(2000, data=True), sample=data)
    assert report.sum_weights == 2000.0
    rows, jets = pq.read_table(entries).to_pandas(), pq.read_table(jets).to_pandas()
    assert set(rows.weight) == set(jets.weight) == {1.0}
    assert set(rows.tag_hadron_flavour) == set(rows.probe_hadron_flavour) == set(jets.hadron_flavour) == {-1}


@pytest.mark.parametrize(("value", "is_nan"), [(np.nan, True), (np.inf, True), (-2.0, False)])
def test_invalid_scores_are_counted_and_stored_as_minus_one(with_scores, skim, tagger, value, is_nan):
    tolerant = tagger.model_copy(update={"max_invalid_fraction": 0.5})
    report, entries, jets = skim(with_scores(value, 0.2), tagger=tolerant)
    stored = pq.read_table(jets)["discriminant"].to_numpy()
    n_invalid = np.count_nonzero(stored == -1)
    assert stored.min() == -1
    assert np.isfinite(stored).all()
    assert report.jets == {"selected": len(stored), "invalid": n_invalid, "nan": n_invalid * is_nan}
    assert 0.1 < n_invalid / len(stored) < 0.3
    probe = pq.read_table(entries)["probe_discriminant"].to_numpy()
    assert (probe == -1).any()
    assert np.isfinite(probe).all()


@pytest.mark.parametrize("length", [8, 9])
def test_scale_and_shower_weights_are_those_of_the_file(make_nanoaod, skim, length):
    n = 4000
    scales = np.random.default_rng(8).uniform(0.5, 1.5, (n, length)).astype("f4")
    path = make_nanoaod(n, energy=True, replace={"LHEScaleWeight": ak.from_regular(ak.Array(scales))}, basket=n)
    report, *tables = skim(path)
    with uproot.open(path) as file:
        shower = ak.to_numpy(file["Events/PSWeight"].array())
    # both scales doubled come last, halved first; more radiation from the initial and final state, then less
    expected = {"genscale_up": scales[:, -1], "genscale_down": scales[:, 0]}
    expected |= dict(zip(("psisr_up", "psfsr_up", "psisr_down", "psfsr_down"), shower.T, strict=True))
    assert set(report.weight_shifts) == set(expected)
    for table in tables:
        rows = pq.read_table(table).to_pandas()
        assert len(rows) > 20
        for name, values in expected.items():
            np.testing.assert_array_equal(rows[f"weight_{name}"], values[rows.entry])


def lists(n, of_event):
    return ak.values_astype(ak.Array([of_event(k) for k in range(n)]), np.float32)


@pytest.mark.parametrize("first", [[], [2.0], [np.inf] * 9, [np.nan] * 9])
def test_events_without_weights_are_counted_and_not_shifted_whichever_they_are(make_nanoaod, skim, selection, first):
    # the first event, and every second one, has none, one that stands for none, or numbers that are not finite
    scales = lists(400, lambda k: [0.5] * 9 if k % 2 else first)
    path = make_nanoaod(energy=True, replace={"LHEScaleWeight": scales}, drop=["PSWeight"])
    with pytest.raises(SkimError, match=r"200 of 400 events have no weights of genscale, above .* missing_shifts"):
        skim(path)
    report, _, jets = skim(path, selection=selection.model_copy(update={"max_events_without_weights": 0.5}))
    assert report.weight_shifts == ("genscale_up", "genscale_down")
    assert report.n_without == {"genscale": 200}
    rows = pq.read_table(jets).to_pandas()
    assert set(rows.entry % 2) == {0, 1}
    np.testing.assert_array_equal(rows.weight_genscale_up, np.where(rows.entry % 2 == 1, 0.5, 1.0))


def test_lists_of_another_length_are_no_shifts(make_nanoaod, skim):
    one = ak.from_regular(ak.Array(np.ones((400, 1), np.float32)))  # what v9 has if there are none
    report = skim(make_nanoaod(energy=True, replace={"PSWeight": one}, drop=["LHEScaleWeight"]))[0]
    assert (report.weight_shifts, report.n_without) == ((), {})


def test_of_the_full_list_of_shower_weights_the_default_variations_are_used(make_nanoaod, skim):
    full = lists(400, lambda k: [float(place) for place in range(44)])
    report, _, jets = skim(make_nanoaod(energy=True, replace={"PSWeight": full}, drop=["LHEScaleWeight"]))
    assert set(report.weight_shifts) == {"psisr_up", "psisr_down", "psfsr_up", "psfsr_down"}
    rows = pq.read_table(jets).to_pandas()
    places = {"psisr_up": 4, "psfsr_up": 5, "psisr_down": 6, "psfsr_down": 7}
    assert {name: set(rows[f"weight_{name}"]) for name in places} == {n: {place} for n, place in places.items()}


def test_only_lists_that_are_asked_for_are_read(make_nanoaod, skim, simulation):
    path = make_nanoaod(energy=True)
    assert skim(path, sources=("psfsr",))[0].weight_shifts == ("psfsr_up", "psfsr_down")
    assert skim(path, sources=())[0].weight_shifts == ()
    pure_pythia = simulation.model_copy(update={"missing_shifts": ("genscale", "psisr")})
    assert skim(path, sample=pure_pythia)[0].weight_shifts == ("psfsr_up", "psfsr_down")
