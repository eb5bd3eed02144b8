"""Section of the direct density ratio."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import (
    Layers,
    LearningRate,
    LearningRateFinal,
    LearningRateWarmup,
    NonNegative,
    OpenFraction,
    Positive,
    Section,
    Seed,
    Units,
)


class Direct(Section):
    """Direct density ratio: flavour posteriors of each region, then one fit of all regions; no adversary.

    The errors of DeepSF come from it, too. With ``direct: null`` there is none, and errors are those that bins give.
    """

    n_members: int = Field(default=5, ge=2, description="number of trainings, each with its own split of the events")
    seed: Seed = 1
    layers: Layers = 4
    units: Units = 64
    batch_size: int = Field(default=4096, ge=2, description="entries of a step")
    posterior_passes: Positive = Field(
        default=1.0, description="passes over a region's simulation for its flavour posteriors, before each fit"
    )
    first_passes: Positive = Field(
        default=0.5,
        description="passes of the first fit, without weights of tag jets; it gives those of the second",
    )
    passes: Positive = Field(
        default=5.0, description="passes of the second fit over data and simulation of all regions"
    )
    refit_passes: Positive = Field(
        default=2.0,
        description="passes of bootstraps and systematic shifts, whose trainings start from the first nominal one",
    )
    learning_rate: LearningRate = 4e-3
    learning_rate_warmup: LearningRateWarmup = 0.05
    learning_rate_final: LearningRateFinal = 0.01
    weight_decay: NonNegative = Field(default=0.03, description="decoupled weight decay (AdamW), of matrices only")
    validation_fraction: OpenFraction = Field(default=0.2, description="fraction of events held out of the training")
    log_sf_max: Positive = Field(default=1.5, le=80.0, description="|log S| is clipped to this")
