"""Probabilities of classes, and of bins in mixtures of flavours, by hand."""

from __future__ import annotations

import pytest
import torch

from deepsf.efficiency.ratio.mixture import MixtureBins, shifted
from deepsf.networks.class_probabilities import ClassProbabilities, log_probabilities
from deepsf.networks.dense import DenseNetwork


def network(n_outputs):
    generator = torch.Generator().manual_seed(1)
    return DenseNetwork(2, layers=1, units=4, n_outputs=n_outputs, generator=generator, zero_output=True)


@pytest.mark.parametrize("start", [[0.9, 0.1], [0.5, 0.3, 0.2]])
def test_a_network_begins_with_the_probabilities_it_is_given(start):
    made = ClassProbabilities(network(len(start) - 1), start)
    features = torch.randn(5, 2, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(made.log_probability(features).exp(), torch.tensor([start] * 5))
    assert made(features).shape == (5, len(start) - 1)


def test_probabilities_of_logits_by_hand():
    # odds 3 : 1 of class 1 to class 0
    torch.testing.assert_close(log_probabilities(torch.log(torch.tensor([[3.0]]))).exp(), torch.tensor([[0.25, 0.75]]))


def test_a_shift_multiplies_odds_and_keeps_the_sum():
    # odds 0.2 / 0.8 times 2: 0.4 / 0.8 -> 1/3
    log_p = torch.log(torch.tensor([[0.8, 0.2]]))
    found = shifted(log_p, torch.log(torch.tensor([[2.0]]))).exp()
    torch.testing.assert_close(found, torch.tensor([[2.0 / 3.0, 1.0 / 3.0]]))


def test_bins_of_a_mixture_by_hand():
    # flavour 0, 60 %: odds of tags doubled, 0.2 -> 1/3; flavour 1, 40 %, without a shift: 0.1
    doubled = ClassProbabilities(network(1))
    with torch.no_grad():
        doubled.network.last_bias.copy_(torch.log(torch.tensor([2.0])))
    mixture = MixtureBins({0: doubled}, n_flavours=2, n_bins=2)
    p = torch.log(torch.tensor([[0.6, 0.4, 0.8, 0.2, 0.9, 0.1]]))
    found = log_probabilities(mixture(torch.cat([p, torch.zeros(1, 2)], 1))).exp()
    torch.testing.assert_close(found[0, 1], torch.tensor(0.6 / 3.0 + 0.04))
