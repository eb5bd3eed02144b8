"""Limits: events in every region, valid scores, and no weight that outweighs all others."""

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import SkimError, read_report
from deepsf.skim.limits import require_even_weights, require_selected, require_usable_weights, require_valid_scores
from tests.analysis.skim.hand_reports import report, sums_of


def test_limit_of_invalid_scores_allows_for_fluctuations_in_small_files_only():
    def check(selected, invalid, limit=0.05):
        require_valid_scores("file", {"selected": selected, "invalid": invalid, "nan": 0}, "b", limit)

    check(0, 0)
    check(1000, 50)
    with pytest.raises(SkimError) as error:
        check(1000, 51)
    assert str(error.value) == (
        "file: branch Jet_b is invalid for 51 of 1000 selected jets (5.1%: 0 NaN or infinite, 51 negative or above 1), "
        "above tagger.max_invalid_fraction = 0.05; check the tagger in this file, or raise the limit"
    )
    # 10 jets: 0.5 expected, five deviations of sqrt(10 * 0.05 * 0.95) = 0.69 on top: 3.9
    check(10, 3)
    with pytest.raises(SkimError):
        check(10, 4)
    with pytest.raises(SkimError):
        check(10, 1, limit=0.0)


@pytest.mark.parametrize("score", [5.0, 1e30, -1.0, np.nan])
def test_scores_that_cannot_be_are_an_error_above_the_limit(with_scores, skim, tagger, score):
    strict = tagger.model_copy(update={"max_invalid_fraction": 0.01})
    with pytest.raises(SkimError, match=r"branch Jet_btagDeepFlavB is invalid for \d+ of \d+ selected jets"):
        skim(with_scores(score, 0.1), tagger=strict)


def test_a_region_without_events_names_kind_last_step_and_way_out(make_nanoaod, skim, data, regions):
    impossible = {"hf": regions["hf"].model_copy(update={"tag_above": 2.0}), "any": regions["hf"]}
    simulated = skim(make_nanoaod(3000, basket=3000), "mc", regions=impossible)[1]
    observed = skim(
        make_nanoaod(3000, data=True, basket=3000), "data", sample_name="muons", sample=data, regions=impossible
    )[1]
    reports = [read_report(path) for path in (simulated, observed)]
    require_selected(reports, ["any"])
    n = sum(reports[1].cut_flow["exactly_two_jets"].values())
    with pytest.raises(
        SkimError,
        match=rf"region hf: no data event is selected \(samples: muons\); the last step with events is "
        rf"exactly_two_jets \({n}\); check the cuts of regions\.hf in the config",
    ):
        require_selected(reports, impossible)
    with pytest.raises(
        SkimError, match=r"region any: no data event is selected \(samples: none\); there are no events"
    ):
        require_selected(reports[:1], ["any"])


def test_no_selected_event_at_all_names_the_step_that_took_the_last(make_nanoaod, skim, selection):
    strict = selection.model_copy(update={"mll_min_gev": 1e6})
    stored = read_report(skim(make_nanoaod(), selection=strict)[1])
    with pytest.raises(
        SkimError, match=r"simulation event .* last step with events is trigger .* the cut behind mll in"
    ):
        require_selected([stored], ["hf"])


def test_data_that_are_not_certified_at_all_are_told_of_their_json():
    nothing = report(sample="muons", kind="data")
    for step in nothing.cut_flow:
        nothing.cut_flow[step] = dict.fromkeys(nothing.cut_flow[step], 0)
    nothing.cut_flow.update({"all": {"all": 900}, "certified": {"all": 0}})
    with pytest.raises(SkimError) as error:
        require_selected([nothing, report()], ["hf"])
    assert str(error.value) == (
        "region hf: no data event is selected (samples: muons); the last step with events is all (900); check "
        "certified (is it the JSON of these data?) in the config, or give more input"
    )


def with_weights(*weights, n_of_one=0, column="weight"):
    """Return a report with the given weights and so many of 1 besides."""
    of_column = {column: sums_of(np.array([*weights, *[1.0] * n_of_one]))}
    return report(weights={"weight": sums_of(np.ones(40))} | of_column)


def test_one_weight_may_not_outweigh_all_others():
    # 1000 of weight 1: an event of 60 has 5.7 % of all
    with pytest.raises(SkimError) as error:
        require_even_weights("x.root", with_weights(-60.0, n_of_one=1000), 0.05)
    # (1000 - 60)^2 / (1000 + 60^2) = 192
    assert str(error.value) == (
        "x.root: one of 1001 selected events has 5.7% of the sum of absolute weights (its weight is 60; all are worth "
        "192 events of weight 1), above selection.max_weight_share = 0.05; look at genWeight and pile-up weights "
        "there, set generator_weight: sign for the sample, or raise the limit"
    )
    require_even_weights("x.root", with_weights(-60.0, n_of_one=1000), 0.06)
    require_even_weights("x.root", with_weights(50.0, n_of_one=1000), 0.05)


def test_in_a_small_file_one_event_may_have_ten_average_weights():
    require_even_weights("x.root", with_weights(1e30), 0.05)  # alone, it is the average
    require_even_weights("x.root", with_weights(9.0, n_of_one=99), 0.05)  # 8.3 % of all, but below 10 / 100
    with pytest.raises(SkimError, match=r"one of 100 selected events has 10\.8% of the sum"):
        require_even_weights("x.root", with_weights(12.0, n_of_one=99), 0.05)
    require_even_weights("x.root", with_weights(), 0.05)
    require_even_weights("x.root", report(weights={}), 0.05)  # of a file without events


def test_huge_weights_of_a_few_events_are_refused_where_they_are_read(make_nanoaod, skim):
    selected = np.unique(pq.read_table(skim(make_nanoaod(4000))[2])["entry"].to_numpy())
    weights = np.ones(4000, "f4")
    weights[selected[:8]] = 1e5
    with pytest.raises(
        SkimError, match=r"nano\.root: one of \d+ selected events has 12\.5% of the sum .* weight is 1000"
    ):
        skim(make_nanoaod(4000, replace={"genWeight": weights}))
    # if all events of a sample have such weights, they are as good as any (PocketCoffea/PocketCoffea#130)
    whole = skim(make_nanoaod(4000, replace={"genWeight": np.full(4000, 1e5, "f4")}))[0]
    assert whole.weights["weight"]["n"] == len(selected)
    assert whole.largest_share() == pytest.approx(1 / len(selected))
    assert whole.n_effective() == pytest.approx(len(selected))


def test_shifted_weights_of_a_sample_may_not_have_an_outlier_either():
    one_huge = with_weights(1e20, n_of_one=39, column="weight_psisr_up")
    require_even_weights("x.root", one_huge, 0.05)
    with pytest.raises(SkimError) as error:
        require_usable_weights(one_huge, 0.05)
    assert str(error.value) == (
        "sample ttbar: one of 40 selected events has 100.0% of the sum of absolute weights of psisr_up (its weight is "
        "1e+20; all are worth 1 events of weight 1), above selection.max_weight_share = 0.05; leave psisr out of "
        "shifts.weights, or name it in missing_shifts, or raise the limit"
    )
    require_usable_weights(with_weights(5.0, n_of_one=39, column="weight_psisr_up"), 0.05)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_weights_that_are_not_finite_pass_no_guard(broken):
    for column in ("weight", "weight_psisr_up"):
        with pytest.raises(SkimError):
            require_usable_weights(with_weights(broken, n_of_one=39, column=column), 0.05)


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(SkimError) as error:
        require_usable_weights(with_weights(0.0, 0.0, -0.0), 0.05)
    assert str(error.value) == (
        "sample ttbar: the weights of all 3 selected events are zero; look at genWeight and pile-up weights there, or "
        "take the sample off"
    )
    require_usable_weights(with_weights(), 0.05)  # none is selected


def test_too_many_events_without_weights_are_an_error(make_nanoaod, skim, selection):
    # empty lists in the second half of the file
    half = selection.model_copy(update={"max_events_without_weights": 0.5})
    for n, limit in ((201, half), (21, selection)):
        lists = [[1.5] * 9] * (400 - n) + [[]] * n
        path = make_nanoaod(
            energy=True, replace={"LHEScaleWeight": ak.values_astype(ak.Array(lists), "f4")}, drop=["PSWeight"]
        )
        with pytest.raises(SkimError) as error:
            skim(path, selection=limit)
        assert str(error.value) == (
            f"{path}: {n} of 400 events have no weights of genscale, above selection.max_events_without_weights = "
            f"{limit.max_events_without_weights:g}; name genscale in missing_shifts of the sample, or raise the limit"
        )
