"""Losses of the signed formulation: the unbinned form of the iterative tag and probe.

For flavour f in the region that enriches it, the discriminator D (logit z) separates

    class 1: data (weight +1) and simulation of other flavours (weight -W S_g)   from   class 0: simulation of f (W),

so that at its minimum exp(z) = D/(1-D) = (data - sum_g W S_g m_g) / (W m_f): the right-hand side of
S <- (data - omega MC_notf) / MC_f of CMS-DP-2019-003. The scale factor is trained with MSE(SF, D/(1-D)).

Its text can also be read as D on simulation weighted with *all* scale factors, with the same target. Its fixed
point is S = N / (S m), the square root of the answer; a test keeps it out.
"""

from __future__ import annotations

import torch
from torch.nn.functional import softplus


def discriminator_loss(
    logit_data: torch.Tensor,
    weight_data: torch.Tensor,
    logit_simulation: torch.Tensor,
    weight_simulation: torch.Tensor,
    is_enriched: torch.Tensor,
    other_sf: torch.Tensor,
) -> torch.Tensor:
    """Return the signed cross-entropy, a scalar.

    Parameters
    ----------
    logit_data, weight_data
        Discriminator outputs and weights of the data batch, shape ``(n_data,)``.
    logit_simulation, weight_simulation
        Outputs and weights W of the simulation batch, scaled so that the batches' sums compare as those of the whole
        samples do, shape ``(n_simulation,)``.
    is_enriched
        Which simulated jets are of flavour f, bool.
    other_sf
        S of each simulated jet's own flavour (1 for flavours of unit scale factor), without gradient; not used where
        ``is_enriched``.
    """
    as_data = (weight_data * softplus(-logit_data)).sum()
    enriched = weight_simulation * softplus(logit_simulation)
    other = -weight_simulation * other_sf * softplus(-logit_simulation)
    return (as_data + torch.where(is_enriched, enriched, other).sum()) / (2 * len(logit_data))


def bounded_logit(output: torch.Tensor, bound: float) -> torch.Tensor:
    """Return the discriminator's logit, bound * tanh(output / bound), same shape.

    The signed loss has no lower bound where contamination outweighs data in a batch; a logit that cannot leave
    +-``bound`` keeps it finite. Inside, the minimum is where it was.
    """
    return bound * torch.tanh(output / bound)


def target(logit: torch.Tensor) -> torch.Tensor:
    """Return D/(1-D) = exp(z), without gradient, same shape."""
    return torch.exp(logit.detach())


def scale_factor_loss(sf: torch.Tensor, target: torch.Tensor, importance: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean square of SF - D/(1-D), a scalar.

    ``importance`` is positive: purity and bootstrap factors, never the signed event weight. Any positive importance
    leaves the pointwise minimum where it is; purity keeps the noisy targets of impure corners from spoiling the rest.
    """
    return (importance * (sf - target) ** 2).sum() / importance.sum()
