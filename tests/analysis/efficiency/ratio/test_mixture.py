"""Tag bins of mixtures of flavours, by hand."""

from __future__ import annotations

import torch

from deepsf.efficiency.ratio.mixture import MixtureBins, shifted
from deepsf.networks.class_probabilities import ClassProbabilities, log_probabilities
from deepsf.networks.dense import DenseNetwork


def constant_shift(*odds):
    """Return a shift that multiplies the odds of tagged bins by these factors, whatever theta is."""
    generator = torch.Generator().manual_seed(1)
    network = DenseNetwork(2, layers=1, units=4, n_outputs=len(odds), generator=generator, zero_output=True)
    with torch.no_grad():
        network.last_bias.copy_(torch.log(torch.tensor(odds)))
    return ClassProbabilities(network)


def rows(fractions, *bins):
    """Return one row of input: composition, probabilities of the flavours' bins, theta."""
    p = torch.log(torch.tensor([[*fractions, *(p for of_flavour in bins for p in of_flavour)]]))
    return torch.cat([p, torch.zeros(1, 2)], 1)


def test_a_shift_multiplies_odds_and_keeps_the_sum():
    # odds 0.2 / 0.8 times 2: 0.4 / 0.8 -> 1/3
    log_p = torch.log(torch.tensor([[0.8, 0.2]]))
    found = shifted(log_p, torch.log(torch.tensor([[2.0]]))).exp()
    torch.testing.assert_close(found, torch.tensor([[2.0 / 3.0, 1.0 / 3.0]]))


def test_bins_of_a_mixture_by_hand():
    # flavour 0, 60 %: odds of tags doubled, 0.2 -> 1/3; flavour 1, 40 %, without a shift: 0.1
    mixture = MixtureBins({0: constant_shift(2.0)}, n_flavours=2, n_bins=2)
    found = log_probabilities(mixture(rows([0.6, 0.4], [0.8, 0.2], [0.9, 0.1]))).exp()
    torch.testing.assert_close(found[0, 1], torch.tensor(0.6 / 3.0 + 0.04))


def test_shifts_belong_to_their_flavour_in_every_bin():
    mixture = MixtureBins({1: constant_shift(3.0, 0.5)}, n_flavours=2, n_bins=3)
    found = log_probabilities(mixture(rows([0.25, 0.75], [0.5, 0.3, 0.2], [0.5, 0.1, 0.4]))).exp()
    # weights 0.5, 0.3, 0.2 of the shifted flavour add up to 1
    expected = [0.25 * 0.5 + 0.75 * 0.5, 0.25 * 0.3 + 0.75 * 0.3, 0.25 * 0.2 + 0.75 * 0.2]
    torch.testing.assert_close(found[0], torch.tensor(expected))
    assert mixture(rows([0.25, 0.75], [0.5, 0.3, 0.2], [0.5, 0.1, 0.4])).shape == (1, 2)
