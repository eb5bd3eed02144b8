"""The direct density ratio: a few small trainings in one task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deepsf.config import ConfigError
from deepsf.config.flavours import hadron_flavours
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.inputs import MEASUREMENT_KEYS, load_measurement, measurement_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from deepsf.networks.scale_factor import EnsembleScaleFactor
    from deepsf.training.members import Members


class TrainDirectSF(ConfigTask):
    """Trains the direct density ratio: ``direct.safetensors``, in the format of an ensemble, and histories."""

    code_version = 7
    keeps_replaced = True
    uses_networks = True
    config_keys = (*MEASUREMENT_KEYS, "training.inputs", "training.precision", "direct")

    def requires(self) -> Any:
        if self.plan_cfg("direct") is None:
            raise ConfigError(
                "the configuration has direct: null, without which TrainDirectSF cannot run; leave it out"
            )
        return measurement_inputs(self)

    def output(self) -> Any:
        return {"scale_factors": self.target("direct.safetensors"), "history": self.target("history.json")}

    def run(self) -> None:
        from deepsf.direct.train import train_direct
        from deepsf.networks.scale_factor import EnsembleScaleFactor

        measurement, inputs, settings = load_measurement(self), self.cfg("training.inputs"), self.cfg("direct")
        precision = self.cfg("training.precision")
        members, histories = [], []
        for number in range(settings.n_members):
            seed = direct_seed(self, number)
            member, history = train_direct(measurement, inputs, settings, seed, precision=precision)
            members.append(member)
            histories.append(history)
            self.publish_message(f"direct density ratio: training {number + 1} of {settings.n_members} done")
        for warning in direct_members(histories).warnings("direct training"):
            self.publish_message(warning)
        with staged(*self.output().values()) as (scale_factors, record):
            EnsembleScaleFactor(tuple(members), hadron_flavours(self.cfg("flavours"))).save(scale_factors)
            record.write_text(json.dumps(histories, sort_keys=True, allow_nan=False))


def direct_seed(task: ConfigTask, number: int) -> np.random.SeedSequence:
    """Return the seed of a training of the direct method; ``task`` declares ``direct``."""
    from deepsf.seeds import seed_sequence

    return seed_sequence(task.cfg("direct.seed"), "direct", number)


def direct_if_wanted(task: ConfigTask) -> dict[str, Any]:
    """Return what a task that compares methods requires of the direct one, by the key ``direct``.

    That is nothing if the configuration has ``direct: null``.
    """
    return {} if task.plan_cfg("direct") is None else {"direct": TrainDirectSF.req(task)}


def direct_members(histories: Sequence[Mapping[str, Any]]) -> Members:
    """Return which trainings there are, and which have not converged, from the histories of `TrainDirectSF`."""
    from deepsf.training.members import Members

    return Members.of({number: history["scale_factors"] for number, history in enumerate(histories)})


def load_direct(requirement: Any) -> EnsembleScaleFactor:
    """Return the output of `TrainDirectSF`."""
    from deepsf.networks.scale_factor import EnsembleScaleFactor

    return EnsembleScaleFactor.load(requirement["scale_factors"].file)
