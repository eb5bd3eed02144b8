"""How DeepSF is repeated: with the networks that it starts from, and from there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from deepsf.adversarial.refit import AdversarialRefit, refit_settings
from deepsf.adversarial.trainer import MemberTrainer
from deepsf.config.direct import Direct
from deepsf.config.training import Training
from deepsf.direct.train import train_direct
from deepsf.seeds import seed_sequence
from tests.shape_toy import make

DIRECT = Direct(layers=3, units=16, batch_size=512, passes=1, refit_passes=1, log_sf_max=1.2)


def start_of(measurement):
    return train_direct(measurement, Training().inputs, DIRECT, seed_sequence(1, "direct", 0))[0]


def with_b_tags(measurement):
    """The tag jets of the toy are c jets of one score, whose scale factor is 1."""
    entries = {}
    for name, region in measurement.entries.items():
        simulation = region.simulation
        tag = replace(simulation.probe, flavour=np.zeros_like(simulation.tag.flavour))
        entries[name] = replace(region, simulation=replace(simulation, tag=tag))
    return replace(measurement, entries=entries)


def test_it_is_trained_as_deepsf_is_but_for_size_passes_and_rate():
    start = start_of(make(1_000, 4).measurement())
    settings = refit_settings(
        Training(precision="fp32", schedule="alternating", batch_size=512), start, passes=2.0, learning_rate=5e-4
    )
    assert (settings.layers, settings.units, settings.log_sf_max) == (3, 16, 1.2)
    assert (settings.schedule, settings.passes, settings.learning_rate) == ("interleaved", 2.0, 5e-4)
    assert (settings.batch_size, settings.weight_decay) == (512, Training().weight_decay)


def test_scale_factors_discriminators_and_weights_start_from_the_direct_ones():
    measurement = with_b_tags(make(1_000, 4).measurement())
    start = start_of(measurement)
    settings = refit_settings(Training(precision="fp32", batch_size=512), start, passes=1.0, learning_rate=1e-3)
    trainer = MemberTrainer(measurement, settings, seed_sequence(2, "shifts"), start)
    fresh = MemberTrainer(measurement, settings, seed_sequence(2, "shifts"))
    for flavour, network in start.networks.items():
        jets = trainer.regions[flavour].data
        expected = network.predict(jets)
        assert expected.std() > 0
        for networks in (trainer.sf_networks, trainer.discriminators):
            torch.testing.assert_close(networks[flavour].predict(jets), expected, rtol=0, atol=0)
        # tag jets count with these scale factors from the first step on
        assert not np.allclose(trainer.regions[flavour].weight, fresh.regions[flavour].weight)


def test_equal_seeds_give_equal_repetitions():
    measurement = make(1_000, 4).measurement()
    start = start_of(measurement)
    settings = refit_settings(
        Training(precision="fp32", batch_size=512, last_steps=5), start, passes=0.5, learning_rate=1e-3
    )
    refit, jets = AdversarialRefit(settings, start), measurement.inclusive_of("b").jets
    first, again, other = (refit.shifted(measurement, seed_sequence(k, "shifts"))[0] for k in (1, 1, 2))
    np.testing.assert_array_equal(first.evaluate("b", jets), again.evaluate("b", jets))
    assert not np.array_equal(first.evaluate("b", jets), other.evaluate("b", jets))
