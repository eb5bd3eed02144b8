"""Regions: cuts that exist, one region for every measured flavour."""

import pytest

from deepsf.config.regions import Region


def test_a_measured_flavour_needs_exactly_one_region(tree, message):
    tree["flavours"]["c"]["scale_factor"] = "measured"
    text = message(tree)
    assert "flavour c is measured and needs exactly one region that enriches it" in text
    assert "no binning for the measured flavour c" in text


def test_tag_columns_are_jet_columns_and_cut(tree, message):
    tree["regions"]["lf"]["tag_columns"] = {"charm": {"below": 0.8}}
    assert "regions.lf.tag_columns.charm: not one of selection.jet_columns []" in message(tree)
    tree["regions"]["lf"]["tag_columns"] = {"charm": {}}
    assert "regions.lf.tag_columns.charm: give above, below or both" in message(tree)


def test_names_that_no_other_section_has_are_named_with_those_there_are(tree, message):
    tree["regions"]["hf"] |= {"enriched_flavour": "bottom", "tag_above": "X"}
    tree["selection"]["triggers"]["mumu"] = []
    text = message(tree)
    assert "regions.hf.enriched_flavour: 'bottom' is not one of ['b', 'c', 'udsg']" in text
    assert "regions.hf.tag_above: 'X' is not one of the working points ['L', 'M', 'T']" in text
    assert "selection.triggers: channel mumu of region lf has no trigger path" in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({}, "needs tag_above or tag_below"), ({"tag_above": "M", "n_jets": 3}, "defined for n_jets: 2")],
)
def test_a_region_is_of_tag_and_probe(changes, reason):
    with pytest.raises(ValueError, match=reason):
        Region(enriched_flavour="b", channels=("emu",), **changes)


def test_a_cut_that_all_jets_or_none_pass_is_refused(tree, message):
    tree["regions"]["hf"]["tag_above"] = 30.4
    assert "regions.hf.tag_above = 30.4: the discriminant lies between 0 and 1" in message(tree)


def test_the_bins_say_how_far_the_discriminant_goes_where_no_logit_does(tree, message):
    tree["binned"]["smooth_in"] = "identity"
    tree["training"] = {"inputs": {"discriminant": {"transform": "identity"}}}
    for bins in tree["binned"]["bins"].values():
        bins["discriminant"] = [-1, 0, 5, 10]
    tree["regions"]["hf"]["tag_above"] = 30.4
    assert "regions.hf.tag_above = 30.4: the discriminant lies between 0 and 10" in message(tree)
