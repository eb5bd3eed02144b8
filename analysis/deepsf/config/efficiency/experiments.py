"""Section of the experiments with networks on changed toys of efficiencies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from deepsf.config.base import Count, Name, OpenFraction, Section, Seed
from deepsf.config.efficiency.toy import EfficiencyToy, working_point_problems

Experiment = Literal["hidden_variable", "untagged_weight", "working_points"]


class EfficiencyExperiments(Section):
    """Single trainings of the ensemble's network with another setting, or on a toy that differs in one thing."""

    seed: Seed = 1
    n_events: Count | None = Field(default=None, description="events to train on; null: as many as the toy has")
    untagged_weight: OpenFraction = Field(
        default=0.1, description="mu of arXiv:2004.02665 for all flavours, on which efficiencies must not depend"
    )
    hidden_variable: float = Field(
        default=0.2, gt=0.0, le=0.3, description="efficiency.toy.hidden_variable of the toy with a hidden variable"
    )
    working_points: dict[Name, dict[str, Annotated[float, Field(gt=0.0, le=1.0)]]] = Field(
        default={"L": {}, "M": {"b": 0.85, "c": 0.40, "udsg": 0.15}, "T": {"b": 0.60, "c": 0.12, "udsg": 0.10}},
        min_length=2,
        description="efficiency.toy.working_points for a network of several; not used if the toy itself has several",
    )


def experiment_problems(
    experiments: EfficiencyExperiments, toy: EfficiencyToy, flavours: Collection[str]
) -> Iterator[str]:
    """Yield working points that do not fit the flavours or are not nested."""
    if len(toy.working_points) == 1:
        changed = toy.model_copy(update={"working_points": experiments.working_points})
        yield from working_point_problems(changed, flavours, "efficiency.experiments.working_points")


def experiments_of(toy: EfficiencyToy) -> tuple[Experiment, ...]:
    """Return the experiments that differ from the toy itself: none of working points if it has several."""
    several = len(toy.working_points) > 1
    return tuple(name for name in get_args(Experiment) if not (several and name == "working_points"))
