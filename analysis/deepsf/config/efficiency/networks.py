"""Networks of efficiencies: their settings, and the registry that all else reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model

from deepsf.config.base import Count, Fraction, NonNegative, OpenFraction, Positive, Section, Seed


class NetworkTraining(Section):
    """Training of an efficiency network: cross-entropy of the tag bit, or of the tag bins."""

    passes: Positive = 8.0
    batch_events: int = Field(default=1024, ge=8)
    learning_rate: Positive = 2e-3
    learning_rate_warmup: Fraction = 0.05
    learning_rate_final: Fraction = 0.01
    weight_decay: NonNegative = Field(default=0.1, description="decoupled; of matrices alone, not of embeddings")
    resample: Literal["bootstrap", "none"] = Field(
        default="bootstrap", description="bootstrap: each member has its own Poisson bootstrap by event"
    )
    balance: Fraction = Field(
        default=0.5,
        description="flavours weigh (variance of the tag)^-balance in the loss, so that rarely tagged ones are not "
        "shaped after the others; their efficiencies are not changed",
    )
    untagged_weight: dict[str, OpenFraction] = Field(
        default_factory=dict,
        description="mu of arXiv:2004.02665, by flavour: untagged jets weigh this in the loss, undone in the result",
    )


class ClosestJet(NetworkTraining):
    """Feed-forward network on pT, eta, flavour, and distance and flavour of the closest jet."""

    layers: Count = 4
    units: Count = 128
    passes: Positive = 6.0
    weight_decay: NonNegative = 0.3


class Pairwise(NetworkTraining):
    """Own efficiency times one factor for each neighbour."""

    units: Count = 64


class Gnn(NetworkTraining):
    """Graph network on distances and ratios of pT: invariant under rotation in phi and reflection in eta."""

    blocks: Count = 2
    units: Count = 32
    learning_rate: Positive = 4e-3


class PublishedGnn(NetworkTraining):
    """Graph network of arXiv:2004.02665: three blocks of 256, raw phi among its inputs."""

    blocks: Count = 3
    units: Count = Field(default=256, multiple_of=2, description="half of a jet itself, half of its neighbours")
    batch_events: int = Field(default=2048, ge=8)
    passes: Positive = 20.0


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
    "gnn_2004_02665": NetworkSpec(
        f"{_ROOM}.gnn_2004_02665:PublishedGraphNetwork",
        PublishedGnn,
        "GNN of arXiv:2004.02665",
        "#717581",
        "X",
        (0, (1, 1)),
    ),
}
"""By name. A network's place is part of its members' seeds: a new one comes last."""

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
    """The network that is used: members with their own initialisation and Poisson bootstrap by event."""

    model: NetworkName = "gnn"
    n_members: int = Field(default=20, ge=2)
    seed: Seed = 1


class CrossFit(Section):
    """Two-fold: members trained on even events serve the odd ones, for events that are also trained on."""

    n_members: int = Field(default=2, ge=1, description="of each of the two folds")
