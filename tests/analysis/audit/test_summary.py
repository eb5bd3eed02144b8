"""The audit in a few lines of text."""

from __future__ import annotations

from deepsf.audit.summary import members_note, members_notes, summary

AUDIT = {
    "config": "toy",
    "members": {"used": 24, "configured": 25},
    "probe_jets": {"hf": 10},
    "purity": {"hf": 0.9},
    "closure_chi2": {"hf": {"none": {"p": 0.5}}},
    "two_sample_auc": {"hf": {"none": 0.5}},
    "yield": {"deepsf": {"max_pull": 1.0, "max_pull_global": 0.5}},
}
WHOLE = AUDIT | {"members": {"used": 25, "configured": 25}}


def test_lacking_members_are_counted_and_a_whole_ensemble_needs_no_words():
    assert members_note(AUDIT["members"]) == "24 of 25 members"
    assert members_note(WHOLE["members"]) == ""


def test_members_that_have_not_converged_are_counted_and_named():
    reasons = {"3": ["scale factor of b: 0.018 off its discriminator, limit 0.012", "and more"]}
    whole, lacking = ({"members": audit["members"] | {"not_converged": reasons}} for audit in (WHOLE, AUDIT))
    assert members_note(whole["members"]) == "25 members, 1 not converged"
    assert members_note(lacking["members"]) == "24 of 25 members, 1 not converged"
    assert summary(WHOLE | whole).splitlines()[1:3] == [
        "  DeepSF with 25 members, 1 not converged",
        "  member 3 has not converged: scale factor of b: 0.018 off its discriminator, limit 0.012; and more",
    ]


def test_trainings_of_other_methods_and_of_errors_are_counted_and_named_too():
    trainings = {
        "direct": {"used": 3, "configured": 3, "not_converged": {"0": ["scale factor of b: ..."]}},
        "bootstraps": {"used": 24, "configured": 25, "not_converged": {"7": ["scale factor of udsg: ..."]}},
        "shifts": {"used": 9, "configured": 9, "not_converged": {"jer_up": ["scale factor of b: ..."]}},
    }
    audit = WHOLE | {"trainings": trainings}
    assert members_notes(audit) == {"direct": "3 members, 1 not converged"}
    assert members_notes(AUDIT | {"trainings": trainings}).keys() == {"deepsf", "direct"}
    assert summary(audit).splitlines()[1:7] == [
        "  direct with 3 members, 1 not converged",
        "  member 0 of direct has not converged: scale factor of b: ...",
        "  statistical error with 24 of 25 bootstraps, 1 not converged",
        "  bootstrap 7 has not converged: scale factor of udsg: ...",
        "  systematic error with 9 fits under shifts, 1 not converged",
        "  fit under the shift jer_up has not converged: scale factor of b: ...",
    ]
    good = {name: members | {"used": 9, "configured": 9, "not_converged": {}} for name, members in trainings.items()}
    assert summary(WHOLE | {"trainings": good}) == summary(WHOLE)


def test_the_summary_says_what_errors_lack():
    lacking = {"binned": [], "deepsf": ["bootstraps", "shifts"], "direct": ["shifts"]}
    assert summary(WHOLE | {"errors_lacking": lacking}).splitlines()[1:3] == [
        "  errors without bootstraps of the fit (stat is the counting error alone): deepsf",
        "  errors without systematic shifts: deepsf, direct",
    ]
    assert "without" not in summary(WHOLE | {"errors_lacking": {"binned": [], "deepsf": []}}).split("mean S")[0]


def test_further_inputs_are_named_that_are_not_as_in_training():
    good = {"n_jets": 9, "invalid": 0, "beyond": 0}
    counts = {
        "pt": {"data": good, "inclusive": {**good, "beyond": 4}},
        "n_pv": {"data": good, "inclusive": {**good, "invalid": 2, "beyond": 1}},
    }
    assert summary(WHOLE | {"inputs": counts}).splitlines()[1:3] == [
        "  input n_pv, inclusive jets: 2 of 9 invalid, 1 beyond the range of the training, taken at its end",
        "  region hf: 10 probe jets in data, purity 0.900",
    ]


def test_the_summary_says_that_members_are_lacking():
    assert summary(AUDIT).splitlines()[:2] == ["campaign toy", "  DeepSF with 24 of 25 members"]
    assert "members" not in summary(WHOLE)


def test_the_summary_has_the_p_values_of_the_validation_region():
    tests = {rank: {"none": {"p": 0.001}, "deepsf": {"p": 0.5}} for rank in ("leading", "second", "further")}
    phase_space = {"validation": {"n_jets": [3, None], "tests": {"all": tests}}}
    lines = summary(WHOLE, phase_space).splitlines()
    at = next(number for number, line in enumerate(lines) if "events with 3 or more jets (validation region)" in line)
    assert lines[at + 1].split() == ["leading", "second", "further"]
    assert lines[at + 2].split() == ["none", "0.001", "0.001", "0.001"]
    assert lines[at + 3].split() == ["deepsf", "0.5", "0.5", "0.5"]
    assert not any("validation" in line for line in summary(WHOLE).splitlines())


def test_the_measured_contamination_stands_beside_the_assumed_one():
    hf = {"factor": 1.6, "error": 0.1, "assumed": 0.2, "pull": 2.7, "range": {"below": 0.05}, "other": 0.1}
    lf = {"factor": 1.1, "error": 0.1, "assumed": None, "pull": 1.0, "range": {"above": 0.7}, "other": 0.1}
    lines = summary(WHOLE | {"contamination": {"hf": hf, "lf": lf}}).splitlines()
    at = lines.index("contamination of data over that of simulation, with its error")
    assert lines[at + 2].split() == ["hf", "1.60(0.10)", "1(0.2)", "below", "0.05"]
    assert lines[at + 3].split() == ["lf", "1.10(0.10)", "1", "above", "0.7"]
    assert "contamination of region hf: data have 1.60" in lines[at + 4]
    assert lines[at + 5] == ""
    none = summary(WHOLE | {"contamination": {"hf": {"factor": None, "reason": "few jets"}}}).splitlines()
    assert none[2:4] == ["  contamination of region hf cannot be measured: few jets", ""]


def test_methods_are_rows_and_regions_columns():
    rms = {"none": {"b": 0.25, "udsg": 0.5}, "deepsf": {"b": 0.125, "udsg": 0.0625}}
    lines = summary(WHOLE | {"truth": {"rms": rms}}).splitlines()
    at = lines.index("RMS of S - truth over probe jets")
    assert [line.split() for line in lines[at + 1 : at + 4]] == [
        ["b", "udsg"], ["none", "0.2500", "0.5000"], ["deepsf", "0.1250", "0.0625"],
    ]  # fmt: skip


def test_a_method_that_was_fitted_in_the_bins_has_no_p_value_there():
    closure = {"hf": {"none": {"p": 0.5}, "binned": {"p": 1.0}}, "lf": {"none": {"p": 0.25}, "binned": {"p": 1.0}}}
    lines = [line.split() for line in summary(WHOLE | {"closure_chi2": closure}).splitlines()]
    assert ["none", "0.5", "0.25"] in lines
    assert ["binned", "fitted", "fitted"] in lines


def test_members_are_tested_where_they_were_not_trained():
    folds = {"hf": {"deepsf": {"chi2": 6.0, "ndf": 5.0}, "none": {"chi2": 25.0, "ndf": 5.0}}}
    closure = {"hf": {"none": {"p": 0.5}, "binned": {"p": 1.0}, "deepsf": {"p": 0.9}}}
    lines = summary(WHOLE | {"closure_chi2": closure, "closure_out_of_fold": folds}).splitlines()
    at = lines.index("chi2/ndf of members at the events that they were not trained on, mean over members")
    assert [line.split() for line in lines[at + 2 : at + 4]] == [["none", "5.00"], ["deepsf", "1.20"]]


def test_scale_factors_between_working_points_stand_beside_the_truth():
    def figures(value, error, above):
        return {
            "above": above,
            "value": value,
            "error": error,
            "truth": 0.994,
            "rms": 0.1,
            "n_jets": 10,
            "purity": 0.25,
        }

    by_method = {
        "none": {"udsg": {"above T": figures(1.0, None, 0.7), "below T": figures(1.0, 0.0, None)}},
        "deepsf": {"udsg": {"above T": figures(1.188, 0.0125, 0.7), "below T": figures(0.9812, 0.0124, None)}},
    }
    truth = {"rms": {"none": {"udsg": 0.1}}, "by_working_point": by_method}
    lines = summary(WHOLE | {"truth": truth}).splitlines()
    at = lines.index("mean S of udsg jets between working points, with its error without systematic shifts")
    assert lines[at + 1].split() == ["below", "T", "above", "T"]
    assert lines[at + 2].split() == ["none", "1.000", "1.000"]
    assert lines[at + 3].split() == ["deepsf", "0.981(0.012)", "1.188(0.013)"]
    assert lines[at + 4].split() == ["truth", "0.994", "0.994"]
    assert lines[at + 5].split() == ["purity", "0.250", "0.250"]
    assert len({len(line) for line in lines[at + 1 : at + 6]}) == 1
