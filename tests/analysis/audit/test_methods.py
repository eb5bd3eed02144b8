"""Methods by name, their values at entries, and the weights that follow."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.audit.methods import (
    ExactMean,
    Results,
    at_entries,
    at_own_flavours,
    audited_region,
    no_scale_factor,
    true_method,
)
from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.networks.ensemble import EntryScaleFactors
from deepsf.networks.scale_factor import Estimate
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement
from tests.analysis.audit.phase_space.jet_tables import binned

FLAVOURS = {"b": Flavour(hadron_flavours=(5,)), "c": Flavour(hadron_flavours=(4,), scale_factor="unity")}


def jets(score: list[float], flavour: list[int]) -> Jets:
    ones = np.ones(len(score), np.float32)
    return Jets(50 * ones, ones, np.array(score, np.float32), np.array(flavour, np.int8))


def entries(probe: Jets, tag: Jets, weight: list[float]) -> ProbeEntries:
    return ProbeEntries(np.arange(len(weight)), np.array(weight), np.zeros(len(weight), np.int8), probe, tag)


def measurement() -> Measurement:
    """Two data entries over simulation of weight 1 and 3; inclusive b jets of even events alone."""
    data = entries(jets([0.1, 0.9], [-1, -1]), jets([0.9, 0.9], [-1, -1]), [1.0, 1.0])
    simulation = entries(jets([0.2, 0.6], [0, 1]), jets([0.8, 0.4], [1, 0]), [1.0, 3.0])
    rng = np.random.default_rng(1)
    sample = InclusiveJets(2 * np.arange(500), np.ones(500), jets(rng.random(500), np.zeros(500, int)))
    regions = {"hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.5)}
    weighting = EventWeight(n_pt=1, n_abseta=1), Normalisation(n_pt=1, n_abseta=1)
    return Measurement(regions, {"hf": RegionEntries(data, simulation)}, FLAVOURS, sample, *weighting)


def score_or_two(flavour: str, of: Jets, *, normalised: bool = True) -> np.ndarray:
    return of.discriminant.astype(float) if flavour == "b" else np.full(len(of), 2.0)


class TwoMembers:
    """Members that are off the score by -0.1 and 0.3."""

    def member_values(self, flavour: str, of: Jets, *, normalised: bool = True) -> np.ndarray:
        return of.discriminant.astype(float) + np.array([[-0.1], [0.3]])


def test_every_jet_has_the_scale_factor_of_its_own_flavour() -> None:
    np.testing.assert_allclose(
        at_own_flavours(score_or_two, ("b", "c"), jets([0.1, 0.2, 0.3], [1, 0, 0])), [2.0, 0.2, 0.3]
    )
    values = at_entries(score_or_two, measurement().entries["hf"], ("b", "c"))
    np.testing.assert_allclose(values.probe, [0.2, 2.0])
    np.testing.assert_allclose(values.tag, [2.0, 0.4])


def test_results_have_all_methods_in_the_order_in_which_they_are_shown() -> None:
    sf = binned((1.0, 2.0, 3.0, 4.0))
    methods = Results(sf, TwoMembers(), other={"direct": TwoMembers()}).methods()
    assert list(methods) == ["none", "binned", "binned_smooth", "deepsf", "direct"]
    sample = jets([0.1, 0.9], [0, 0])
    np.testing.assert_array_equal(methods["none"]("b", sample), 1.0)
    np.testing.assert_allclose(methods["deepsf"]("b", sample), [0.2, 1.0])
    for name in ("binned", "binned_smooth"):
        np.testing.assert_array_equal(methods[name]("b", sample), sf.evaluate("b", sample, name))
    np.testing.assert_array_equal(ExactMean(TwoMembers())("b", sample), methods["direct"]("b", sample))


def test_entries_weigh_the_tag_jet_and_kappa_before_the_probe() -> None:
    deepsf = EntryScaleFactors(Estimate(np.array([0.5, 2.0]), np.zeros(2), np.zeros(2)), np.array([3.0, 1.0]))
    methods = {"none": no_scale_factor, "deepsf": no_scale_factor, "other": score_or_two}
    region = audited_region(measurement(), "hf", methods, deepsf)
    # kappa is 2 over the sum of w omega: 4 without scale factors, 1 x 3 + 3 x 1 and 1 x 2 + 3 x 0.4 with them
    np.testing.assert_allclose(region.weight["none"], [0.5, 1.5])
    np.testing.assert_allclose(region.weight["deepsf"], [1.0, 1.0])
    np.testing.assert_allclose(region.weighted["deepsf"], [0.5, 2.0])
    np.testing.assert_allclose(region.weight["other"], np.array([2.0, 1.2]) * 2 / 3.2)
    np.testing.assert_array_equal(region.is_enriched, [True, False])


def test_scale_factors_of_other_entries_are_refused() -> None:
    deepsf = EntryScaleFactors(Estimate(np.ones(3), np.zeros(3), np.zeros(3)), np.ones(3))
    with pytest.raises(ValueError, match="region hf: scale factors at 3 entries, but the skim has 2 simulated"):
        audited_region(measurement(), "hf", {"none": no_scale_factor}, deepsf)


def test_truth_is_normalised_where_methods_are() -> None:
    def function(codes: np.ndarray, abseta: np.ndarray, pt: np.ndarray, discriminant: np.ndarray) -> np.ndarray:
        return np.where(codes == 5, 3.0 + discriminant, 2.0)

    sample = measurement().inclusive.jets
    method = true_method(function, measurement())
    assert method("b", sample).mean() == pytest.approx(1.0)
    assert method("b", sample, normalised=False) == pytest.approx(3.0 + sample.discriminant)
    assert method("c", sample) == pytest.approx(np.full(500, 2.0))
