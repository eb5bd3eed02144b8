"""Names of systematics of scale factors: keys for all corrections or for each, patterns, and what is refused."""

from __future__ import annotations

import re

import pytest

from deepsf.efficiency.truth_tagging.systematics import expanded

KNOWN = {
    "comb": ("central", "up", "up_correlated", "up_jes"),
    "incl": ("central", "up", "up_correlated"),
}


def test_a_text_is_for_all_corrections_that_have_the_key():
    found = expanded({"all": "up_correlated", "jes": "up_jes"}, KNOWN)
    assert found == {"all": {"comb": "up_correlated", "incl": "up_correlated"}, "jes": {"comb": "up_jes"}}


def test_b_and_light_jets_vary_apart():
    found = expanded({"bc": {"comb": "up_correlated"}, "light": {"incl": "up_correlated"}}, KNOWN)
    assert found == {"bc": {"comb": "up_correlated"}, "light": {"incl": "up_correlated"}}


def test_a_correction_that_lacks_the_key_of_another_is_central():
    assert expanded({"jes": {"comb": "up_jes", "incl": "up_jes"}}, KNOWN) == {"jes": {"comb": "up_jes"}}


def test_both_forms_of_a_key_are_understood():
    assert expanded({"x": "correlated_up"}, KNOWN)["x"]["comb"] == "up_correlated"


def test_a_star_stands_for_every_key_that_matches():
    shape = {"shape": ("central", "up_stat1", "up_stat2", "up_statrest", "down_stat1", "up_lf")}
    found = expanded({"stat*_up": "up_stat*", "lf": "up_lf"}, shape)
    assert found == {
        "stat1_up": {"shape": "up_stat1"},
        "stat2_up": {"shape": "up_stat2"},
        "statrest_up": {"shape": "up_statrest"},
        "lf": {"shape": "up_lf"},
    }
    apart = expanded({"bc_*": {"comb": "up*"}}, {"comb": ("central", "up1", "up2"), "incl": ("up1",)})
    assert apart == {"bc_1": {"comb": "up1"}, "bc_2": {"comb": "up2"}}


@pytest.mark.parametrize(
    ("systematics", "message"),
    [
        ({"x": "up_corelated"}, "systematic 'x': no correction of ['comb', 'incl'] has 'up_corelated'; did you mean "
         "'up_correlated'?"),
        ({"x": {"comb": "zzz"}}, "systematic 'x': no correction of ['comb', 'incl'] has 'zzz'; there are central, up, "
         "up_correlated, up_jes"),
        ({"x": {"icl": "up"}}, "systematic 'x': no correction 'icl'; did you mean 'incl'?"),
        ({"x*": "down_*"}, "systematic 'x*': no correction of ['comb', 'incl'] has 'down_*'; there are central"),
        ({"x": {"incl": "up_jes"}}, "systematic 'x': none of ['incl'] has ['up_jes'], all would be central; leave it "
         "out, or name the correction that has it"),
        ({"jes": "up", "*": "up_*"}, "two systematics are called 'jes'; give one of them another name"),
    ],
)  # fmt: skip
def test_what_exists_nowhere_is_refused(systematics, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        expanded(systematics, KNOWN)
