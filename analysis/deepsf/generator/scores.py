"""Scores of all taggers for the jets of simulation or pseudo-data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from deepsf.arrays import Reals
from deepsf.config.generator import Generator
from deepsf.config.mismodelling import Process
from deepsf.generator import hidden_variables, process_scale_factor
from deepsf.generator.detector import RecoJets
from deepsf.generator.discriminant import Tagger, draw
from deepsf.generator.neighbours import odds_factor
from deepsf.generator.pseudo_data import discriminant_of_data
from deepsf.generator.true_sf import InjectedScaleFactor


def scores(
    rngs: Sequence[np.random.Generator], seed: np.random.SeedSequence, taggers: Sequence[Tagger], jets: RecoJets,
    generator: Generator, process: Process, injected: InjectedScaleFactor | None,
) -> dict[str, Reals]:  # fmt: skip
    """Return the discriminants by branch, shape ``(n,)`` each.

    Parameters
    ----------
    rngs
        One for each tagger.
    seed
        Its named parts give the hidden variables.
    injected
        Scale factor of pseudo-data; None makes simulation, which knows no mismodelling.
    """
    wrong, branches = generator.mismodelling, [tagger.branch for tagger in taggers]
    of_events = 0.0 if injected is None else wrong.tag_probe_correlation
    ranks = hidden_variables.ranks(seed, jets.event, branches, generator.tagger_correlation, of_events)
    odds = None if generator.neighbours is None else odds_factor(generator.neighbours, jets)
    of_jets = jets.hadron_flavour, jets.pt_gev, np.abs(jets.eta), odds
    columns: dict[str, Reals] = {}
    for place, (rng, tagger) in enumerate(zip(rngs, taggers, strict=True)):
        if injected is None:
            once = partial(draw, rng, tagger, *of_jets)
        else:
            scale_factor = process_scale_factor.of_process(injected, tagger, wrong.of(process))
            once = partial(discriminant_of_data, rng, tagger, scale_factor, *of_jets)
        columns[tagger.branch] = once() if ranks is None else hidden_variables.of_rank(once, ranks[place])
    return columns
