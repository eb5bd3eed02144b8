"""Bootstrap replicas of maps: their spread is the statistical error, and belongs to the events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.efficiency.events.random import event_poisson, stream
from deepsf.efficiency.maps.bootstrap import bootstrap
from deepsf.efficiency.maps.maps import EfficiencyMap
from tests.analysis.efficiency.events.hand_events import flat_events

SETTINGS = EfficiencyMaps(pt_gev=(20, 100, 300), eta=(-2.5, 0, 2.5), prior_jets=0)


def sample(n=4000, jets_per_event=2, seed=1, efficiency=0.3):
    """Events of one bin's jets, in which all jets of an event are tagged or none."""
    rng = np.random.default_rng(seed)
    tag_bin = np.repeat(rng.random(n) < efficiency, jets_per_event)
    flat = {"pt_gev": np.full(n * jets_per_event, 50), "eta": np.ones(n * jets_per_event), "tag_bin": tag_bin}
    return flat_events(np.full(n, jets_per_event), **flat, flavours=("b",))


def test_a_replica_is_the_map_of_the_drawn_events():
    events = sample(500)
    fitted = EfficiencyMap.fit(events, SETTINGS)
    replicas = bootstrap(fitted, events, 3, seed=5)
    for number, values in enumerate(replicas.efficiency):
        drawn = event_poisson(stream(5, "efficiency maps"), events.event, number)
        rate = np.sum(drawn * events.tag_bin[::2]) / drawn.sum()
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
    shuffled = replace(events, event=events.event[order], tag_bin=events.tag_bin.reshape(300, 2)[order].ravel())
    one, other = (bootstrap(EfficiencyMap.fit(e, SETTINGS), e, 4, seed=1).efficiency for e in (events, shuffled))
    np.testing.assert_allclose(one, other, rtol=1e-13)


def test_an_event_drawn_twice_counts_as_two_events_against_the_prior():
    events = sample(200, jets_per_event=1)
    # the second half lies at negative eta and is tagged less often
    low = np.arange(200) >= 100
    eta, tag_bin = np.where(low, -1, 1).astype(np.float32), np.where(low, events.tag_bin * (events.event % 3 == 0), 1)
    events = replace(events, eta=eta, tag_bin=tag_bin.astype(np.int8))
    fitted = EfficiencyMap.fit(events, SETTINGS.model_copy(update={"prior_jets": 50.0}))
    values = bootstrap(fitted, events, 1, seed=1).efficiency[0]
    drawn = event_poisson(stream(1, "efficiency maps"), events.event, 0)
    rate = np.sum(drawn * events.tag_bin) / drawn.sum()
    for number, chosen in enumerate((low, ~low)):
        tagged, jets = np.sum((drawn * events.tag_bin)[chosen]), drawn[chosen].sum()
        np.testing.assert_allclose(values[number, 0], (tagged + 50 * rate) / (jets + 50))


def test_members_are_evaluated_one_after_the_other():
    events = sample(100)
    replicas = bootstrap(EfficiencyMap.fit(events, SETTINGS), events, 3, seed=1)
    members = list(replicas.members(events))
    assert replicas.n_replicas == 3
    for member, values in zip(members, replicas.efficiency, strict=True):
        assert member.shape == (200, 1)
        np.testing.assert_array_equal(member, np.full((200, 1), values[1, 0]))
