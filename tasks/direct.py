"""The direct density ratio: a few small trainings in one task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deepsf.config import ConfigError
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.inputs import ENTRY_KEYS, SampleInclusiveJets, load_inclusive, load_regions
from tasks.skim import SkimNtuples

if TYPE_CHECKING:
    from deepsf.networks.scale_factor import EnsembleScaleFactor


class TrainDirectSF(ConfigTask):
    """``direct.safetensors``, which evaluates as the DeepSF ensemble does, and the record of its trainings."""

    code_version = 2
    config_keys = (*ENTRY_KEYS, "event_weight", "normalisation", "training.inputs", "direct")
    keeps_replaced = True

    def requires(self) -> Any:
        if self.plan_cfg("direct") is None:
            raise ConfigError("the configuration has no section direct, which TrainDirectSF needs; write direct: {}")
        return {"skims": SkimNtuples.req(self), "inclusive": SampleInclusiveJets.req(self)}

    def output(self) -> Any:
        return {"scale_factors": self.target("direct.safetensors"), "history": self.target("history.json")}

    def run(self) -> None:
        from deepsf.direct.train import member_seed, train_direct
        from deepsf.networks.cpu import prepare_process
        from deepsf.networks.scale_factor import EnsembleScaleFactor

        prepare_process()
        chosen = self.cfg("direct")
        regions, inclusive = load_regions(self, self.input()["skims"]), load_inclusive(self.input()["inclusive"])
        members, histories = [], []
        for number in range(chosen.n_members):
            member, history = train_direct(
                regions,
                self.cfg("regions"),
                self.cfg("flavours"),
                inclusive,
                inputs=self.cfg("training.inputs"),
                settings=chosen,
                event_weight=self.cfg("event_weight"),
                normalisation=self.cfg("normalisation"),
                seed=member_seed(chosen.seed, number),
            )
            members.append(member)
            histories.append(history)
            self.publish_message(f"direct density ratio: training {number + 1} of {chosen.n_members} done")
        codes = {name: flavour.hadron_flavours for name, flavour in self.cfg("flavours").items()}
        with staged(*self.output().values()) as (scale_factors, record):
            EnsembleScaleFactor(tuple(members), codes).save(scale_factors)
            record.write_text(json.dumps(histories, sort_keys=True))


def direct_if_wanted(task: ConfigTask) -> dict[str, Any]:
    """Return the requirement of a task that compares methods, by the key ``direct``; none without such a section."""
    return {} if task.plan_cfg("direct") is None else {"direct": TrainDirectSF.req(task)}


def load_direct(requirement: Any) -> EnsembleScaleFactor:
    """Return the output of `TrainDirectSF`."""
    from deepsf.networks.scale_factor import EnsembleScaleFactor

    return EnsembleScaleFactor.load(requirement["scale_factors"].file)
