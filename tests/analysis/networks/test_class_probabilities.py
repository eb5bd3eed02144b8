"""Probabilities of classes, by hand."""

from __future__ import annotations

import pytest
import torch

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
