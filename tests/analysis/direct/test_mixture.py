"""The density ratio of a mixture, by hand."""

from __future__ import annotations

import torch
from torch import nn

from deepsf.direct.mixture import MixtureRatio


class Column(nn.Module):
    """The first feature, times a parameter."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, features):
        return self.factor * features[:, 0]


def make(log_sf_max=1.5):
    # flavours 0 and 2 have scale factors, flavour 1 has none; two features each, of which the first is used
    return MixtureRatio({0: Column(), 2: Column()}, n_flavours=3, n_inputs=2, log_sf_max=log_sf_max)


def rows(p, log_sf_0, log_sf_2):
    return torch.tensor([[*torch.tensor(p).log().tolist(), log_sf_0, 7.0, log_sf_2, 7.0]])


def test_the_ratio_is_the_sum_of_fractions_times_scale_factors():
    # 0.5 * 2 + 0.2 * 1 + 0.3 * 0.5 = 1.35
    two, half = torch.log(torch.tensor([2.0, 0.5])).tolist()
    logit = make()(rows([0.5, 0.2, 0.3], two, half))
    assert logit.shape == (1, 1)
    torch.testing.assert_close(torch.exp(logit), torch.tensor([[1.35]]))


def test_scale_factors_of_one_give_a_ratio_of_one():
    torch.testing.assert_close(make()(rows([0.5, 0.2, 0.3], 0.0, 0.0)), torch.zeros(1, 1))


def test_scale_factors_are_clipped():
    # 0.5 * e + 0.2 + 0.3 / e
    logit = make(log_sf_max=1.0)(rows([0.5, 0.2, 0.3], 9.0, -9.0))
    torch.testing.assert_close(torch.exp(logit), torch.tensor([[0.5 * 2.718282 + 0.2 + 0.3 / 2.718282]]))


def test_a_flavour_moves_the_ratio_as_much_as_it_has_part_in_it():
    network = make()
    two = torch.log(torch.tensor(2.0)).item()
    network(rows([0.5, 0.2, 0.3], two, 0.0)).sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    # d log r / d factor_0 = p_0 S_0 log S_0 / r = 0.5 * 2 * log 2 / 1.5; the other has log S = 0
    torch.testing.assert_close(gradients[0], torch.tensor(0.5 * 2.0 * two / 1.5))
    torch.testing.assert_close(gradients[1], torch.tensor(0.0))
