"""What every method measures on: regions by flavour, inclusive jets and the tables that normalise scale factors."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.probes.inclusive import InclusiveJets, sample_inclusive_jets
from deepsf.probes.measurement import Measurement
from tests.analysis.probes.skims import tables_in, write_jets

FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}
REGIONS = {
    "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.5),
    "wc": Region(enriched_flavour="c", channels=("ee",), tag_below=0.5),
    "hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5),
}


def measurement(inclusive: InclusiveJets, **settings) -> Measurement:
    return Measurement(REGIONS, {}, FLAVOURS, inclusive, EventWeight(), Normalisation(**settings))


@pytest.fixture
def inclusive(tmp_path) -> InclusiveJets:
    write_jets(tmp_path / "jets.parquet", 6000, [5, 5, 4, 4, 0, 0])
    return sample_inclusive_jets(tables_in(tmp_path, flavours=FLAVOURS), 6000)


def test_regions_of_measured_flavours_keep_the_order_of_the_configuration(inclusive):
    found = measurement(inclusive)
    assert (found.names, found.measured) == (("b", "c", "udsg"), ("b", "udsg"))
    assert list(found.enriching.items()) == [("lf", "udsg"), ("hf", "b")]
    assert found.region_of == {"udsg": "lf", "b": "hf"}
    assert found.index("udsg") == 2


def test_normalisation_bins_hold_equal_numbers_of_jets(inclusive):
    found = measurement(inclusive, n_pt=5, n_abseta=1)
    bins, jets = found.normalisation_bins("b"), found.inclusive_of("b").jets
    assert (jets.flavour == 0).all()
    np.testing.assert_array_equal(np.bincount(bins.index(jets.pt_gev, jets.abseta)), np.full(5, len(jets) // 5))


def test_tables_give_each_measured_flavour_the_mean_one_in_every_bin(inclusive):
    found = measurement(inclusive, n_pt=3, n_abseta=1)

    def sf(flavour, jets):
        return (2.0 if flavour == "b" else 3.0) + 0.01 * jets.pt_gev.astype(float)

    tables = found.normalisation_tables(sf)
    assert set(tables) == {"b", "udsg"}
    for flavour, table in tables.items():
        sample = found.inclusive_of(flavour)
        value = sf(flavour, sample.jets) / table.divisor(sample.jets.pt_gev, sample.jets.abseta)
        index = table.bins.index(sample.jets.pt_gev, sample.jets.abseta)
        np.testing.assert_allclose(np.bincount(index, value * sample.weight) / np.bincount(index, sample.weight), 1.0)


def test_scale_factors_without_a_positive_mean_cannot_be_normalised(inclusive):
    with pytest.raises(ValueError, match="cannot normalise scale factors in pT lowest to"):
        measurement(inclusive).normalisation_tables(lambda flavour, jets: -np.ones(len(jets)))
