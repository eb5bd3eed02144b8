"""Tags of jets, drawn from their efficiencies: nested working points, and correlations that no efficiency knows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from deepsf.arrays import Floats, Ints


def draw_tags(
    efficiency: Floats,
    offsets: Ints,
    seed: np.random.SeedSequence,
    latent_correlation: float = 0.0,
    hidden: float = 0.0,
) -> npt.NDArray[np.int8]:
    """Return the tag bin of each jet, int8 of shape (n_jets,).

    A jet passes a working point if its uniform number, one for all working points, is below the efficiency. The hidden
    variable h, normal, multiplies the efficiencies of a jet by 1 + ``hidden`` h. It is limited to a range symmetric
    around 0 in which they stay between 0 and 1, so that their mean over h is ``efficiency`` exactly.

    Parameters
    ----------
    efficiency
        (n_jets, K), above 0 and at most 1, from the loosest to the tightest working point.
    offsets
        (n_events + 1,), first jet of each event.
    latent_correlation
        Correlation, at least 0 and below 1, of the normal numbers that the uniform ones of an event's jets are made
        from (Gaussian copula).
    """
    rng = np.random.default_rng(seed)
    uniform = _uniform(rng, offsets, latent_correlation)
    factor = np.ones(len(uniform))
    if hidden > 0.0:
        loosest = efficiency[:, 0]
        largest = np.minimum(1.0, 1.0 / loosest - 1.0)
        factor += np.clip(hidden * rng.standard_normal(len(uniform)), -largest, largest)
    tag_bin = np.zeros(len(uniform), np.int8)
    for column in efficiency.T:
        tag_bin += uniform < column * factor
    return tag_bin


def _uniform(rng: np.random.Generator, offsets: Ints, latent_correlation: float) -> Floats:
    """Return a number between 0 and 1 for each jet, (n_jets,)."""
    n_jets = int(offsets[-1])
    if latent_correlation == 0.0:
        return rng.random(n_jets)
    common = np.repeat(rng.standard_normal(len(offsets) - 1), np.diff(offsets))
    independent = rng.standard_normal(n_jets)
    latent = np.sqrt(latent_correlation) * common + np.sqrt(1.0 - latent_correlation) * independent
    return np.asarray(ndtr(latent))
