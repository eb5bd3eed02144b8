"""What the audit says about an ensemble that lacks members."""

from __future__ import annotations

from deepsf.audit.summary import members_note, summary

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
    assert members_note(AUDIT) == "24 of 25 members"
    assert members_note(WHOLE) == ""


def test_the_summary_says_that_members_are_lacking():
    assert summary(AUDIT).splitlines()[:2] == ["campaign toy", "  DeepSF with 24 of 25 members"]
    assert "members" not in summary(WHOLE)
