"""Sections of DeepSF and of its ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from deepsf.config.base import (
    Count,
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
from deepsf.config.selection import INPUTS, Selection

Transform = Literal["identity", "log", "logit"]


class Variable(Section):
    """One input of the networks: a column of the probe jet, transformed and then standardised."""

    transform: Transform = Field(
        default="identity", description="log for steeply falling variables, logit for scores between 0 and 1"
    )
    invalid_below: float | None = Field(
        default=None,
        description="of columns of selection.jet_columns: values below this, and NaN, are invalid, as scores below 0 "
        "are: networks see a flag in their place; null: all values are numbers",
    )


class Training(Section):
    """DeepSF networks and their training (CMS-DP-2019-003)."""

    inputs: dict[str, Variable] = Field(
        default={
            "pt": Variable(transform="log"),
            "abseta": Variable(),
            "discriminant": Variable(transform="logit"),
        },
        description="variables by name: pt, abseta, discriminant and any of selection.jet_columns",
    )
    layers: Layers = 10
    units: Units = 128
    weight_decay: NonNegative = Field(default=3e-5, description="coupled L2: added to the gradient, as in torch's Adam")
    learning_rate: LearningRate = 1e-3
    learning_rate_warmup: LearningRateWarmup = 0.02
    learning_rate_final: LearningRateFinal = 0.01
    batch_size: int = Field(
        default=4096, ge=2, description="entries of a step; half data, half simulation for the discriminator"
    )
    validation_fraction: OpenFraction = Field(default=0.2, description="fraction of events held out of the training")
    schedule: Literal["interleaved", "alternating"] = Field(
        default="interleaved",
        description="interleaved: one step of each network in turn; alternating: discriminators to convergence, then "
        "one batch of S",
    )
    passes: Positive = Field(default=12.0, description="interleaved: passes of the discriminator over the data")
    warmup_passes: NonNegative = Field(
        default=1.0, description="interleaved: passes of the discriminator alone at the start"
    )
    last_steps: int = Field(
        default=100,
        ge=0,
        description="steps of S alone at the end, with discriminators that rest and a decay of the rate of their own",
    )
    convergence_patience: Count = Field(
        default=3, description="alternating: checks without improvement that end the discriminator's turn"
    )
    convergence_interval: Count = Field(
        default=20, description="alternating: steps between two checks of the validation loss"
    )
    max_discriminator_steps: Count = Field(
        default=400, description="alternating: upper limit on the steps of one turn of the discriminator"
    )
    scale_factor_steps: Count = Field(
        default=300, description="alternating: total number of batches of the scale-factor networks"
    )
    purity_power: NonNegative = Field(
        default=1.0, description="the scale factor's loss is weighted by purity to this power"
    )
    log_sf_max: Positive = Field(default=1.5, le=80.0, description="|log S| is clipped to this")
    log_target_max: Positive = Field(default=3.0, description="the discriminator's logit is bounded to this")
    resample: Literal["split", "bootstrap"] = Field(
        default="split",
        description="split: each member has its own random split; bootstrap: also its own Poisson bootstrap by event",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="auto: bf16 where the CPU computes it natively, decided once where law is started"
    )


class Ensemble(Section):
    """Separate trainings whose mean is the scale factor."""

    n_members: int = Field(default=25, ge=2, description="number of trainings; the SEM falls with its square root")
    seed: Seed = 1


def input_problems(training: Training, selection: Selection) -> Iterator[str]:
    """Yield inputs that are no column of the probe jet, and rules that standard ones do not need."""
    known = [*INPUTS, *selection.jet_columns]
    for name, variable in training.inputs.items():
        if name in INPUTS and variable.invalid_below is not None:
            rule = "values below 0 and NaN are invalid already" if name == "discriminant" else "no jet lacks it"
            yield f"training.inputs.{name}.invalid_below: {rule}; leave it out"
        if name not in known:
            yield f"training.inputs.{name}: not one of {known}; declare it under selection.jet_columns"
