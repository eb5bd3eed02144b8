"""Flavours: each hadron flavour once, a binning for every measured flavour."""

from deepsf.config.flavours import Flavour, measured_flavours


def test_measured_flavours_keep_the_order_of_the_file():
    fixed = Flavour(hadron_flavours=(4,), scale_factor="unity")
    flavours = {"udsg": Flavour(hadron_flavours=(0,)), "c": fixed, "b": Flavour(hadron_flavours=(5,))}
    assert measured_flavours(flavours) == ("udsg", "b")


def test_a_hadron_flavour_belongs_to_one_flavour(tree, message):
    tree["flavours"]["b"]["hadron_flavours"] = [5, 4]
    assert "flavours.c: hadron flavour 4 already belongs to b" in message(tree)


def test_measured_flavours_and_binnings_go_together(tree, message):
    tree["binned"]["bins"]["light"] = tree["binned"]["bins"].pop("udsg")
    text = message(tree)
    assert "binned.bins: no binning for the measured flavour udsg" in text
    assert "binned.bins.light: not one of the flavours ['b', 'c', 'udsg']" in text
