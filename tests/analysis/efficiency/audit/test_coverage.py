"""Coverage of quoted errors, on few replicas: loose limits, but the missing V_eff is a factor of three."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepsf.config import load
from deepsf.efficiency.audit.coverage import coverage, without_neighbours
from deepsf.efficiency.toy import generate
from deepsf.efficiency.toy.truth import base_efficiency
from tests.workflow.campaign import ROOT

FLAVOURS = ("b", "c", "udsg")


@pytest.fixture(scope="module")
def settings():
    return load(ROOT / "configs" / "efficiency_toy.yaml").efficiency


@pytest.fixture(scope="module")
def found(settings):
    return coverage(settings.toy, FLAVOURS, settings.maps, n_replicas=16, n_events=6000, seed=1)


def test_errors_with_v_eff_cover_where_those_of_the_events_alone_are_far_too_small(found):
    # 16 replicas: 18 % relative error of each ratio
    for pair in ("b_b", "b_udsg", "udsg_udsg"):
        assert 0.5 < found[pair]["with_v_eff"] < 1.5
    for pair in ("b_udsg", "udsg_udsg"):
        assert found[pair]["without_v_eff"] > 1.6


def test_yields_of_maps_are_between_those_of_truth_and_direct_tags_in_precision(found):
    for pair in ("b_udsg", "udsg_udsg", "c_udsg"):
        assert found[pair]["with_truth"] < 0.6 * found[pair]["actual"] < 0.6 * found[pair]["direct"]


def test_categories_add_up_and_the_result_is_plain_json(found):
    pairs = [found[pair]["mean"] for pair in found if pair != "all"]
    assert len(pairs) == 6
    assert found["all"]["mean"] == pytest.approx(sum(pairs))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["all"]["ratio_error"] == pytest.approx(1 / np.sqrt(30))


def test_replicas_are_thrown_anew_and_repeatable(settings):
    one, again, other = (
        coverage(settings.toy, FLAVOURS, settings.maps, n_replicas=2, n_events=300, seed=seed) for seed in (1, 1, 2)
    )
    assert one == again
    assert one["all"]["mean"] != other["all"]["mean"]
    assert one["all"]["actual"] > 0


def test_the_toy_of_the_experiment_has_no_neighbour_effect(settings):
    plain = without_neighbours(settings.toy.model_copy(update={"hidden_variable": 0.1, "latent_correlation": 0.2}))
    events, truth = generate(plain, FLAVOURS, "train", 200)
    np.testing.assert_allclose(truth.efficiency[:, 0], base_efficiency(plain, events))
    assert (plain.hidden_variable, plain.latent_correlation) == (0.0, 0.0)


def test_one_replica_has_no_spread(settings):
    with pytest.raises(ValueError, match="at least 2 replicas, got 1"):
        coverage(settings.toy, FLAVOURS, settings.maps, n_replicas=1, n_events=100, seed=1)
