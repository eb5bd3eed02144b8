"""Sections that describe the work: generator, binned measurement, training, ensemble, audit, plots, batch system."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from analysis.config.base import Count, Edges, Fraction, NonNegative, OpenFraction, Positive, Section, Seed
from analysis.config.events import Channel


class TrueScaleFactor(Section):
    """The injected scale factor: any correctionlib correction of (flavor, abseta, pt, discriminant[, systematic])."""

    file: str
    name: str
    systematic: str = "central"


class Generator(Section):
    """Generated ttbar and Z+jets events: simulation, and pseudo-data with an injected scale factor."""

    seed: Seed = 1
    events_per_file: Count = 250_000
    simulation_over_data: Positive = Field(
        default=2.0, description="luminosity of the simulation over that of the data"
    )
    purity_hf: OpenFraction = Field(
        default=0.85, description="fraction of b among probe jets of the standard HF region"
    )
    purity_lf: OpenFraction = Field(
        default=0.88, description="fraction of udsg among probe jets of the standard LF region"
    )
    negative_weight_fraction: float = Field(default=0.10, ge=0.0, lt=0.4, description="of the Z+jets simulation")
    rate_offsets: dict[Channel, float] = Field(
        default_factory=dict, description="relative change of the pseudo-data rate by channel"
    )
    pt_tilt: float = Field(
        default=0.10, ge=-0.3, le=0.3, description="pseudo-data jets weigh 1 + tilt ln(pT/60 GeV)/ln 3"
    )
    true_sf: TrueScaleFactor

    @model_validator(mode="after")
    def _measurable(self) -> Generator:
        total = self.purity_hf + self.purity_lf
        if total < 1.2:
            raise ValueError(
                f"purity_hf + purity_lf = {total:g} is below 1.2: the two regions are too alike to tell b from udsg; "
                "raise either purity"
            )
        for channel, offset in self.rate_offsets.items():
            if abs(offset) > 0.5:
                raise ValueError(f"rate_offsets.{channel} = {offset:g} must lie within -0.5 and 0.5")
        return self


class Bins(Section):
    """Binning of one flavour's scale factor. A first discriminant bin below 0 holds the invalid scores."""

    pt_gev: Edges = Field(description="the last bin is open upwards")
    abseta: Edges
    discriminant: Edges

    @model_validator(mode="after")
    def _invalid_bin(self) -> Bins:
        below = [edge for edge in self.discriminant if edge < 0]
        if len(below) != 1 or self.discriminant[1] != 0.0:
            raise ValueError(
                "discriminant edges must start with one edge below 0, then 0 (the bin of invalid scores), "
                f"got {self.discriminant[:3]}"
            )
        return self


class OptimisedBinning(Section):
    """Discriminant bins put where the expected error of the scale factor and the width of the bins balance."""

    n_fine: int = Field(default=100, ge=2, description="equal steps of valid discriminants that bins are made of")
    max_error: Positive = Field(default=0.5, description="bins of larger relative error grow first")
    contamination: Fraction = Field(default=0.2, description="relative uncertainty of the contamination")


class Binned(Section):
    """Iterative tag and probe in bins, arXiv:1712.07158."""

    bins: dict[str, Bins] = Field(description="by flavour")
    optimise: OptimisedBinning | None = Field(
        default=None, description="keep the numbers of bins, choose their discriminant edges; as they are by default"
    )
    max_change: Positive = Field(default=1e-6, description="converged when no scale factor moves by more")
    max_iterations: Count = 50
    smooth_in: Literal["logit", "identity"] = Field(
        default="logit", description="space of the discriminant in which bins are interpolated"
    )
    n_bootstrap: int = Field(default=100, ge=0, description="event bootstraps behind the statistical errors; 0: none")
    bootstrap_seed: Seed = 1

    @model_validator(mode="after")
    def _fine_enough(self) -> Binned:
        most = max((len(bins.discriminant) - 2 for bins in self.bins.values()), default=0)
        if self.optimise is not None and self.optimise.n_fine < most:
            raise ValueError(f"optimise.n_fine = {self.optimise.n_fine} steps are fewer than the {most} bins; raise it")
        return self


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
    schedule: Literal["interleaved", "talk"] = Field(
        default="interleaved",
        description="one step of each network in turn; or the talk's: discriminators to convergence, one batch of S",
    )
    passes: Positive = Field(default=12.0, description="passes of the discriminator over the data (interleaved)")
    warmup_passes: NonNegative = Field(default=1.0, description="passes of the discriminator alone at the start")
    convergence_patience: Count = Field(
        default=3, description="talk: checks without improvement that end the discriminator's turn"
    )
    convergence_interval: Count = Field(default=20, description="talk: steps between two checks of the validation loss")
    max_discriminator_steps: Count = Field(
        default=400, description="talk: upper bound of one turn of the discriminator"
    )
    scale_factor_steps: Count = Field(default=300, description="talk: batches of the scale-factor networks in all")
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


class Audit(Section):
    """Checks of every method on the same entries."""

    seed: Seed = 1
    n_jets: Count = Field(default=100_000, description="jets of a flavour at which scale factors meet the truth")
    classifier_passes: Positive = 4.0
    n_bootstrap: int = Field(default=100, ge=2, description="event bootstraps behind the error of AUC differences")


class Reference(Section):
    """A scale factor from elsewhere, drawn beside the measured ones."""

    file: str
    name: str
    systematic: str = "central"
    label: str


class FlavourStyle(Section):
    """Label and colour of one flavour."""

    label: str
    colour: str


class Plots(Section):
    """Everything that changes figures and nothing else."""

    experiment: str = "DeepSF"
    label: str = Field(default="", description="text after the experiment's name, e.g. Preliminary")
    discriminant_label: str = "b-tag discriminant"
    flavours: dict[str, FlavourStyle] = Field(default_factory=dict)
    regions: dict[str, str] = Field(default_factory=dict, description="labels by region")
    colours: dict[str, str] = Field(default_factory=dict, description="by method: binned, deepsf, truth, reference")
    reference: Reference | None = None
    dpi: int = Field(default=150, ge=50, le=600)
