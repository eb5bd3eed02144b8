"""Bootstrap replicas of maps: their spread is the statistical error, and belongs to the events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.config.efficiency import EfficiencyMaps
from analysis.efficiency.event_random import event_poisson, stream
from analysis.efficiency.events import JetEvents, offsets_of
from analysis.efficiency.map_replicas import MapReplicas, bootstrap
from analysis.efficiency.maps import EfficiencyMap

SETTINGS = EfficiencyMaps(pt_gev=(20, 100, 300), eta=(-2.5, 0, 2.5), prior_jets=0)


def sample(n=4000, jets_per_event=2, seed=1, efficiency=0.3):
    """Events of one bin's jets, in which all jets of an event are tagged or none."""
    rng = np.random.default_rng(seed)
    total = n * jets_per_event
    return JetEvents(
        offsets=offsets_of(np.full(n, jets_per_event)),
        pt_gev=np.full(total, 50, np.float32),
        eta=np.full(total, 1, np.float32),
        phi=np.zeros(total, np.float32),
        flavour=np.zeros(total, np.int8),
        n_passed=np.repeat(rng.random(n) < efficiency, jets_per_event).astype(np.int8),
        weight=np.ones(n, np.float32),
        event=np.arange(n, dtype=np.uint64),
        flavours=("b",),
        working_points=("M",),
    )


def test_a_replica_is_the_map_of_the_drawn_events():
    events = sample(500)
    fitted = EfficiencyMap.fit(events, SETTINGS)
    replicas = bootstrap(fitted, events, 3, seed=5)
    for number, values in enumerate(replicas.efficiency):
        drawn = event_poisson(stream(5, "efficiency maps"), events.event, number)
        rate = np.sum(drawn * events.n_passed[::2]) / drawn.sum()
        np.testing.assert_allclose(values[1, 0], rate)
    assert replicas.efficiency.shape == (3, 4, 1)


def test_jets_of_an_event_fluctuate_together():
    # fully correlated jets: as many independent numbers as events, not jets
    events = sample(4000, jets_per_event=4)
    fitted = EfficiencyMap.fit(events, SETTINGS)
    spread = bootstrap(fitted, events, 200, seed=1).efficiency[:, 1, 0].std(ddof=1)
    assert spread == pytest.approx(np.sqrt(0.3 * 0.7 / 4000), rel=0.2)


def test_replicas_do_not_depend_on_the_order_of_events():
    events = sample(300)
    order = np.random.default_rng(2).permutation(300)
    shuffled = replace(events, event=events.event[order], n_passed=events.n_passed.reshape(300, 2)[order].ravel())
    one, other = (bootstrap(EfficiencyMap.fit(e, SETTINGS), e, 4, seed=1).efficiency for e in (events, shuffled))
    np.testing.assert_allclose(one, other, rtol=1e-13)


def test_an_event_drawn_twice_counts_as_two_events_against_the_prior():
    events = sample(200)
    settings = SETTINGS.model_copy(update={"prior_jets": 50.0})
    fitted = EfficiencyMap.fit(events, settings)
    values = bootstrap(fitted, events, 1, seed=1).efficiency[0]
    drawn = event_poisson(stream(1, "efficiency maps"), events.event, 0)
    rate = np.sum(drawn * events.n_passed[::2]) / drawn.sum()
    np.testing.assert_allclose(values[:, 0], rate)  # the prior is the same rate, however many jets it has


def test_members_are_evaluated_one_after_the_other_and_files_give_them_back(tmp_path):
    events = sample(100)
    replicas = bootstrap(EfficiencyMap.fit(events, SETTINGS), events, 3, seed=1)
    replicas.save(tmp_path / "maps.safetensors")
    again = MapReplicas.load(tmp_path / "maps.safetensors")
    assert again.n_replicas == 3
    for one, other in zip(replicas.members(events), again.members(events), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.shape == (200, 1)
    np.testing.assert_array_equal(again.nominal.evaluate(events), replicas.nominal.evaluate(events))
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "maps.safetensors").read_bytes()


def test_another_file_gets_a_message(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors: not a file of efficiency maps"):
        MapReplicas.load(tmp_path / "other.safetensors")
