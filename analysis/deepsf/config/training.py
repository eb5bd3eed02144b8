"""Sections of the networks: DeepSF, its ensemble, the direct density ratio."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepsf.config.base import Count, Fraction, NonNegative, OpenFraction, Positive, Section, Seed


class Variable(Section):
    """One input of the networks: a probe-jet column and the transformation before standardisation."""

    transform: Literal["identity", "log", "logit"] = "identity"


class Training(Section):
    """DeepSF networks and their training (CMS-DP-2019-003)."""

    inputs: dict[str, Variable] = Field(
        default={
            "pt": Variable(transform="log"),
            "abseta": Variable(),
            "discriminant": Variable(transform="logit"),
        },
        description="pt, abseta, discriminant and any of selection.jet_columns",
    )
    layers: Count = 10
    units: Count = 128
    weight_decay: NonNegative = Field(
        default=3e-5, description="coupled L2, as torch.optim.Adam adds it to the gradient"
    )
    learning_rate: Positive = 1e-3
    learning_rate_warmup: Fraction = Field(default=0.02, description="part of the steps over which the rate rises")
    learning_rate_final: Fraction = Field(default=0.01, description="cosine decay ends at this part of the rate")
    batch_size: int = Field(default=4096, ge=2, description="half data, half simulation for the discriminator")
    validation_fraction: OpenFraction = 0.2
    schedule: Literal["interleaved", "alternating"] = Field(
        default="interleaved",
        description="one step of each network in turn; or discriminators to convergence, then one batch of S",
    )
    passes: Positive = Field(default=12.0, description="passes of the discriminator over the data (interleaved)")
    warmup_passes: NonNegative = Field(default=1.0, description="passes of the discriminator alone at the start")
    convergence_patience: Count = Field(
        default=3, description="alternating: checks without improvement that end the discriminator's turn"
    )
    convergence_interval: Count = Field(
        default=20, description="alternating: steps between two checks of the validation loss"
    )
    max_discriminator_steps: Count = Field(
        default=400, description="alternating: upper bound of one turn of the discriminator"
    )
    scale_factor_steps: Count = Field(
        default=300, description="alternating: batches of the scale-factor networks in all"
    )
    purity_power: NonNegative = Field(
        default=1.0, description="the scale factor's loss is weighted by purity to this power"
    )
    log_sf_max: Positive = Field(default=1.5, description="|log S| is clipped to this")
    log_target_max: Positive = Field(default=3.0, description="the discriminator's logit is bounded to this")
    resample: Literal["split", "bootstrap"] = Field(
        default="split", description="a member sees its own random split; or a Poisson bootstrap by event on top of it"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="auto: bf16 where the CPU computes it natively, decided once where law is started"
    )


class Direct(Section):
    """Direct density ratio: flavour posteriors of each region, then one fit of all regions; no adversary."""

    n_members: int = Field(default=5, ge=2, description="trainings, each with its own split of the events")
    seed: Seed = 1
    layers: Count = 4
    units: Count = 32
    batch_size: int = Field(default=4096, ge=2)
    posterior_passes: Positive = Field(default=1.0, description="over a region's simulation, in either of two fits")
    first_passes: Positive = Field(
        default=0.5, description="of the first fit, without scale factors of tag jets: it gives those of the second"
    )
    passes: Positive = Field(default=5.0, description="of the second fit, over data and simulation of all regions")
    learning_rate: Positive = 4e-3
    learning_rate_warmup: Fraction = Field(default=0.05, description="part of the steps over which the rate rises")
    learning_rate_final: Fraction = Field(default=0.01, description="cosine decay ends at this part of the rate")
    weight_decay: NonNegative = Field(default=0.3, description="decoupled, of matrices")
    validation_fraction: OpenFraction = 0.2
    log_sf_max: Positive = Field(default=1.5, description="|log S| is clipped to this")


class Ensemble(Section):
    """Separate trainings whose mean is the scale factor."""

    n_members: int = Field(default=25, ge=2)
    seed: Seed = 1
