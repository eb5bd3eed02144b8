"""The compiled sum over neighbours, against loops and against automatic differentiation in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.networks.edge_sum import edge_sum, plain_edge_sum
from deepsf.efficiency.networks.pairs import N_FEATURES, edges, pair_offsets

OFFSETS = offsets_of(np.array([1, 0, 2, 3, 7, 1, 4]))


def inputs(units=5, dtype=torch.float32, offsets=OFFSETS):
    generator = torch.Generator().manual_seed(1)
    shapes = (int(offsets[-1]), 2 * units), (int(pair_offsets(offsets)[-1]), N_FEATURES), (N_FEATURES, units)
    terms, pairs, weight = (torch.randn(shape, generator=generator).to(dtype) for shape in shapes)
    return terms.requires_grad_(), pairs, weight.requires_grad_()


@pytest.mark.parametrize("function", [edge_sum, plain_edge_sum])
def test_it_is_the_sum_of_messages_over_the_other_jets(function):
    terms, pairs, weight = inputs()
    total = function(terms, pairs, weight, OFFSETS).detach().numpy()
    a, c = terms.detach().numpy()[:, :5], terms.detach().numpy()[:, 5:]
    expected = np.zeros((len(a), 5))
    for source, target, pair in zip(*edges(OFFSETS), strict=True):
        expected[target] += np.maximum(a[target] + c[source] + pairs[pair].numpy() @ weight.detach().numpy(), 0)
    assert total == pytest.approx(expected, abs=1e-5)
    lone = np.flatnonzero(np.diff(OFFSETS) == 1)
    assert (total[OFFSETS[lone]] == 0).all()


@pytest.mark.parametrize("units", [1, 5, 16, 33])
def test_compiled_and_plain_form_have_the_same_values_and_gradients(units):
    results = []
    for function, dtype in ((edge_sum, torch.float32), (plain_edge_sum, torch.float64)):
        terms, pairs, weight = inputs(units, dtype)
        total = function(terms, pairs, weight, OFFSETS)
        (total * torch.linspace(-1, 2, total.numel(), dtype=dtype).view_as(total)).sum().backward()
        results.append([part.double() for part in (total.detach(), terms.grad, weight.grad)])
    for compiled, plain in zip(*results, strict=True):
        assert compiled.numpy() == pytest.approx(plain.numpy(), rel=1e-5, abs=2e-5)


def test_another_type_takes_the_plain_form():
    terms, pairs, weight = inputs(dtype=torch.float64)
    total = edge_sum(terms, pairs, weight, OFFSETS)
    assert total.dtype == torch.float64
    assert torch.equal(total, plain_edge_sum(terms, pairs, weight, OFFSETS))


def test_strided_gradients_and_terms_are_read_as_they_are_meant():
    terms, pairs, weight = inputs()
    expected = torch.autograd.grad(edge_sum(terms, pairs, weight, OFFSETS).sum(), terms)[0]
    strided = torch.stack([terms.detach(), torch.zeros_like(terms)], dim=2)[:, :, 0].requires_grad_()
    total = edge_sum(strided, pairs, weight, OFFSETS)
    assert torch.equal(torch.autograd.grad(total, strided, torch.ones(1, 1).expand_as(total))[0], expected)


def test_what_is_not_finite_does_not_become_a_number():
    terms, pairs, weight = inputs()
    bad = terms.detach().clone()
    bad[int(OFFSETS[3]), 0] = torch.nan
    total = edge_sum(bad, pairs, weight.detach(), OFFSETS)
    expected = plain_edge_sum(bad, pairs, weight.detach(), OFFSETS)
    assert torch.equal(total.isnan(), expected.isnan())
    assert total.isnan().any()


def test_events_without_jets_give_nothing():
    terms, pairs, weight = inputs(offsets=np.array([0, 0, 0]))
    assert edge_sum(terms, pairs, weight, np.array([0, 0, 0])).shape == (0, 5)
