"""Which trainings there are, and which have not converged."""

from __future__ import annotations

from deepsf.training.members import Members

GOOD, BAD = {"closure_b": [1.0]}, {"closure_b": [2.6], "closure_udsg": [3.0]}


def test_trainings_that_have_not_converged_are_named_with_all_reasons():
    members = Members.of({0: GOOD, 2: BAD}, 3)
    assert (members.used, members.configured, list(members.not_converged)) == ((0, 2), 3, [2])
    reasons = [
        f"scale factor of {flavour}: chi2/ndf {chi2} of the score in its region, limit 2.5"
        for flavour, chi2 in (("b", "2.6"), ("udsg", "3"))
    ]
    assert members.warnings("member") == [f"member 2 has not converged, and counts all the same: {'; '.join(reasons)}"]
    assert members.to_json() == {"used": 2, "configured": 3, "not_converged": {"2": reasons}}


def test_names_do_as_well_as_numbers_and_all_count_as_configured():
    assert Members.of({"nominal": GOOD, "lf_up": GOOD}) == Members(("nominal", "lf_up"), 2, {})
