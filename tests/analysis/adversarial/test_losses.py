"""Fixed points of the losses, found by minimising them over free logits bin by bin: no network, no noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.adversarial.losses import bounded_logit, discriminator_loss, scale_factor_loss, target
from deepsf.networks.scale_factor import scale_factor

# one row a score bin; two regions, each with b, c, udsg
M_HF = torch.tensor([[0.10, 0.03, 0.12], [0.20, 0.02, 0.04], [0.48, 0.00, 0.01]], dtype=torch.float64)
M_LF = torch.tensor([[0.02, 0.06, 0.70], [0.02, 0.02, 0.12], [0.03, 0.01, 0.02]], dtype=torch.float64)
TRUTH = {"b": torch.tensor([1.25, 1.05, 0.93]), "udsg": torch.tensor([0.95, 1.15, 1.30])}


def data(simulated, truth=TRUTH):
    return simulated[:, 0] * truth["b"] + simulated[:, 1] + simulated[:, 2] * truth["udsg"]


def best_logits(loss_of):
    """Minimise over one logit a bin: the discriminator of infinite capacity."""
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [logits], max_iter=500, tolerance_grad=1e-14, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def closure():
        optimiser.zero_grad()
        loss = loss_of(logits)
        loss.backward()
        return loss

    optimiser.step(closure)
    return logits.detach()


def signed_logits(simulated, own, other, sf_other):
    kinds = torch.tensor([own, other, 1]).repeat_interleave(3)
    weights = torch.cat([simulated[:, own], simulated[:, other], simulated[:, 1]])
    other_sf = torch.cat([torch.ones(3), sf_other, torch.ones(3)]).double()
    return best_logits(lambda z: discriminator_loss(z, data(simulated), z.repeat(3), weights, kinds == own, other_sf))


def test_the_discriminator_returns_data_minus_contamination_over_the_flavour():
    z = signed_logits(M_HF, 0, 2, TRUTH["udsg"])
    torch.testing.assert_close(target(z), TRUTH["b"].double(), rtol=1e-6, atol=0)


def test_iterating_both_flavours_reaches_the_injected_scale_factors():
    sf = {"b": torch.ones(3), "udsg": torch.ones(3)}
    for _ in range(30):
        b = target(signed_logits(M_HF, 0, 2, sf["udsg"]))
        udsg = target(signed_logits(M_LF, 2, 0, sf["b"]))
        sf = {"b": b, "udsg": udsg}
    for flavour, true in TRUTH.items():
        torch.testing.assert_close(sf[flavour], true.double(), rtol=1e-5, atol=0)


def test_the_square_root_trap_is_avoided():
    """Data are 1.44 times the simulation of a pure region: the answer is 1.44, the literal reading's is 1.2."""
    pure = torch.tensor([[0.2, 0.0, 0.0], [0.3, 0.0, 0.0], [0.5, 0.0, 0.0]], dtype=torch.float64)
    excess = {"b": torch.full((3,), 1.44), "udsg": torch.ones(3)}
    is_b = torch.tensor([True] * 3)
    sf, literal = torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for _ in range(60):
        sf = target(
            best_logits(lambda z: discriminator_loss(z, data(pure, excess), z, pure[:, 0], is_b, torch.ones(3)))
        )
        weighted = pure[:, 0] * literal
        ratio = best_logits(lambda z, w=weighted: discriminator_loss(z, data(pure, excess), z, w, is_b, torch.ones(3)))
        literal = 0.5 * (literal + target(ratio))
    torch.testing.assert_close(sf, torch.full((3,), 1.44, dtype=torch.float64), rtol=1e-6, atol=0)
    torch.testing.assert_close(literal, torch.full((3,), 1.2, dtype=torch.float64), rtol=1e-4, atol=0)


def test_the_scale_factors_minimum_is_the_mean_target_whatever_the_importance():
    sf = torch.tensor([1.3], requires_grad=True)
    targets, importance = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0])
    loss = scale_factor_loss(sf.expand(2), targets, importance)
    loss.backward()
    # d/dS: 2 (3 (1.3 - 1) + (1.3 - 2)) / 4
    assert sf.grad.item() == pytest.approx(2 * (3 * 0.3 - 0.7) / 4, rel=1e-5)


def test_scale_factor_is_one_for_zero_output_and_clipped():
    np.testing.assert_allclose(
        scale_factor(torch.tensor([0.0, 9.0, -9.0]), 1.5), [1.0, np.exp(1.5), np.exp(-1.5)], rtol=1e-6
    )


def test_targets_carry_no_gradient():
    logit = torch.zeros(2, requires_grad=True)
    assert not target(logit).requires_grad


def test_the_logit_stays_within_its_bound_and_is_itself_far_inside():
    bounded = bounded_logit(torch.tensor([0.0, 0.1, 1e6, -1e6]), 3.0)
    np.testing.assert_allclose(bounded, [0.0, 0.1, 3.0, -3.0], atol=1e-4)


def test_more_contamination_than_data_leaves_the_signed_loss_bounded():
    """Contamination of 2 against data of 1: unbounded logits would gain without end by going down."""
    output = torch.tensor([-1e4])
    logit = bounded_logit(output, 3.0)
    enriched, other = torch.tensor([False]), torch.ones(1)
    loss = discriminator_loss(logit, torch.ones(1), logit, torch.full((1,), 2.0), enriched, other)
    # (1 - 2) softplus(3) / 2
    assert loss.item() == pytest.approx(-np.log1p(np.exp(3.0)) / 2, rel=1e-5)
