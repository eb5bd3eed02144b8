"""Networks of efficiencies: their settings, and the registry that all else reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from deepsf.config.base import (
    Fraction,
    Layers,
    LearningRate,
    LearningRateFinal,
    LearningRateWarmup,
    OpenFraction,
    Section,
    Seed,
    Units,
)

Passes = Annotated[float, Field(gt=0.0, description="passes over the training events")]
BatchEvents = Annotated[int, Field(ge=8, description="events of a step, at most; see steps_min")]
WeightDecay = Annotated[float, Field(ge=0.0, description="decoupled weight decay, of matrices only, not of embeddings")]
Blocks = Annotated[int, Field(ge=1, description="message-passing blocks")]


class NetworkTraining(Section):
    """Training of an efficiency network: cross-entropy of the tag bit, or of the tag bins."""

    passes: Passes = 8.0
    batch_events: BatchEvents = 1024
    learning_rate: LearningRate = 2e-3
    learning_rate_warmup: LearningRateWarmup = 0.05
    learning_rate_final: LearningRateFinal = 0.01
    weight_decay: WeightDecay = 0.1
    steps_min: int = Field(
        default=500,
        ge=1,
        description="fewest steps: where the passes have fewer, batches are smaller, of 32 events at least, and then "
        "there are more passes",
    )
    patience: int = Field(
        default=4,
        ge=1,
        description="looks at the events that are held out, one a pass and at least 8 in a training, without a smaller "
        "loss in the second half after which it ends; the network of the smallest loss is kept",
    )
    optimiser: Literal["adamw", "sgd"] = Field(
        default="adamw", description="sgd: stochastic gradient descent with momentum, at the same schedule"
    )
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0, description="of `optimiser: sgd`")
    resample: Literal["bootstrap", "none"] = Field(
        default="bootstrap",
        description="bootstrap: each member has its own Poisson bootstrap by event, and the events that it does not "
        "draw are held out; none: all events but a tenth, which is held out",
    )
    balance: Fraction = Field(
        default=0.5,
        description="flavours weigh (variance of the tag)^-balance in the loss, so that the shape of a rarely tagged "
        "flavour does not follow the others; efficiencies stay unbiased",
    )
    untagged_weight: dict[str, OpenFraction] = Field(
        default_factory=dict,
        description="mu of arXiv:2004.02665 by flavour: weight of untagged jets in the loss, undone in the result",
    )


class ClosestJet(NetworkTraining):
    """Feed-forward network on pT, eta, flavour, and distance and flavour of the closest jet."""

    layers: Layers = 4
    units: Units = 128
    passes: Passes = 6.0
    weight_decay: WeightDecay = 0.3


class Pairwise(NetworkTraining):
    """Efficiency of the jet alone times one factor for each neighbour."""

    units: Units = 64


class Gnn(NetworkTraining):
    """Graph network on distances and ratios of pT: invariant under rotation in phi and reflection in eta."""

    blocks: Blocks = 2
    units: Units = 32
    learning_rate: LearningRate = 4e-3


class EtaPhiGnn(Gnn):
    """The GNN without distances: of a pair it knows the differences in eta and phi, and has to infer DeltaR."""


class PublishedGnn(NetworkTraining):
    """Graph network of arXiv:2004.02665: three blocks of 256, raw phi among its inputs."""

    blocks: Blocks = 3
    units: int = Field(
        default=256, ge=1, multiple_of=2, description="units of a block, half for the jet and half for its neighbours"
    )
    batch_events: BatchEvents = 2048
    passes: Passes = 20.0


@dataclass(frozen=True)
class NetworkSpec:
    """What is known of a network outside of its module.

    Attributes
    ----------
    network
        ``module:class``, an `deepsf.efficiency.networks.module.EfficiencyModule`; imported where it is used.
    settings
        Its section of ``efficiency.models``. Sizes that rebuild it are fields named ``layers``, ``blocks``, ``units``.
    label, colour, marker, line
        In figures; a line as of matplotlib.
    """

    network: str
    settings: type[NetworkTraining]
    label: str
    colour: str
    marker: str
    line: Any = "-"


_ROOM = "deepsf.efficiency.networks"
NETWORKS = {
    "closest_jet": NetworkSpec(
        f"{_ROOM}.closest_jet:ClosestJetNetwork", ClosestJet, "Closest jet", "#832db6", "D", (0, (6, 1.5, 1.5, 1.5))
    ),
    "pairwise": NetworkSpec(
        f"{_ROOM}.pairwise:PairwiseNetwork", Pairwise, "Pairwise factors", "#a96b59", "P", (0, (2.5, 1.2))
    ),
    "gnn": NetworkSpec(f"{_ROOM}.gnn:GraphNetwork", Gnn, "GNN", "#1f6fb8", "s"),
    "gnn_eta_phi": NetworkSpec(
        f"{_ROOM}.gnn_eta_phi:EtaPhiNetwork", EtaPhiGnn, "GNN without \u0394R", "#2a9d8f", "h", (0, (4, 1))
    ),
    "gnn_2004_02665": NetworkSpec(
        f"{_ROOM}.gnn_2004_02665:PublishedGraphNetwork",
        PublishedGnn,
        "GNN of arXiv:2004.02665",
        "#717581",
        "X",
        (0, (1, 1)),
    ),
}
"""By name."""

if TYPE_CHECKING:
    NetworkName = str

    class EfficiencyModels(Section):
        """Settings of all networks."""
else:
    NetworkName = Literal[tuple(NETWORKS)]
    EfficiencyModels = create_model(
        "EfficiencyModels",
        __base__=Section,
        __module__=__name__,
        __doc__="Settings of all networks.",
        **{name: (spec.settings, spec.settings()) for name, spec in NETWORKS.items()},
    )


class EfficiencyEnsemble(Section):
    """The network to use: members with their own initialisation and Poisson bootstrap by event."""

    model: NetworkName = Field(default="gnn", description="network whose members are averaged")
    n_members: int = Field(default=20, ge=2, description="number of trainings")
    seed: Seed = 1


class CrossFit(Section):
    """Cross-fit of the training events: members trained on even event numbers are used for odd ones and vice versa."""

    n_members: int = Field(default=2, ge=1, description="members of each of the two folds")
