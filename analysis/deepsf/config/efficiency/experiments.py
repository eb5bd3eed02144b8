"""Section of the experiments with networks on changed toys of efficiencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field

from deepsf.config.base import Count, OpenFraction, Section, Seed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepsf.config.efficiency.toy import EfficiencyToy
    from deepsf.config.flavours import Flavour

Experiment = Literal["hidden_variable", "untagged_weight", "working_points"]


class EfficiencyExperiments(Section):
    """One member of the ensemble's network trained otherwise, or on a toy that differs in one thing."""

    seed: Seed = 1
    n_events: Count | None = Field(default=None, description="to train on; as many as the toy has by default")
    untagged_weight: OpenFraction = Field(
        default=0.1, description="mu of arXiv:2004.02665 for all flavours: efficiencies must not depend on it"
    )
    hidden_variable: float = Field(
        default=0.2, gt=0.0, le=0.3, description="as of the toy: efficiencies weigh 1 + this h, which no network knows"
    )
    working_points: dict[str, dict[str, Annotated[float, Field(gt=0.0, le=1.0)]]] = Field(
        default={"L": {}, "M": {"b": 0.85, "c": 0.40, "udsg": 0.15}, "T": {"b": 0.60, "c": 0.12, "udsg": 0.10}},
        min_length=2,
        description="as of the toy, for a network of several; not used if the toy itself has several",
    )

    def problems(self, toy: EfficiencyToy, flavours: Mapping[str, Flavour]) -> list[str]:
        """Return what does not fit the flavours, and working points that are not nested, in words."""
        if len(toy.working_points) > 1:
            return []
        changed = toy.model_copy(update={"working_points": self.working_points})
        key = "efficiency.toy.working_points"
        return [
            text.replace(key, "efficiency.experiments.working_points")
            for text in changed.problems(flavours)
            if text.startswith(key)
        ]


def experiments_of(toy: EfficiencyToy) -> tuple[Experiment, ...]:
    """Return the experiments that tell something beside the toy itself: of working points none if it has several."""
    several = len(toy.working_points) > 1
    return tuple(name for name in get_args(Experiment) if not (several and name == "working_points"))
