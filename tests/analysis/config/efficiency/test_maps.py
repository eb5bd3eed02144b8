"""Efficiency maps: bins that rise, errors by at least two bootstraps."""

import pytest

from deepsf.config.efficiency.maps import EfficiencyMaps


def test_default_bins_are_of_equal_width_over_the_acceptance():
    maps = EfficiencyMaps()
    assert (len(maps.pt_gev), maps.pt_gev[0], maps.pt_gev[-1]) == (20, 20.0, 600.0)
    assert (len(maps.eta), maps.eta[0], maps.eta[-1]) == (11, -2.5, 2.5)


@pytest.mark.parametrize("change", [{"pt_gev": (30, 20)}, {"n_replicas": 1}, {"prior_jets": -1.0}])
def test_falling_edges_and_errors_of_one_bootstrap_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        EfficiencyMaps(**change)
