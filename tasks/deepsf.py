"""DeepSF: the trainings of its members, and the ensemble of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config.flavours import hadron_flavours
from tasks.binned import MeasureBinnedSF, load_binned
from tasks.framework.base import ConfigTask
from tasks.framework.members import EnsembleWorkflow
from tasks.framework.progress import ProgressLine, checkpoint_of
from tasks.framework.targets import staged
from tasks.inputs import ENTRY_KEYS, MEASUREMENT_KEYS, load_entries, load_measurement, measurement_inputs
from tasks.skim import SkimNtuples

if TYPE_CHECKING:
    import numpy as np

    from deepsf.networks.scale_factor import EnsembleScaleFactor


class TrainDeepSF(EnsembleWorkflow):
    """Trains DeepSF, one member per branch: networks with input scaling and normalisation, and their losses."""

    code_version = 5
    members_key = "ensemble.n_members"
    keeps_replaced = True
    uses_networks = True
    config_keys = (*MEASUREMENT_KEYS, "training", "ensemble.seed")

    def shared_requirements(self) -> dict[str, Any]:
        return measurement_inputs(self)

    def own_parameters(self) -> dict[str, Any]:
        return {"member": self.branch_data}

    def output(self) -> Any:
        return {
            "member": self.target(f"member_{self.branch}.safetensors"),
            "history": self.target(f"history_{self.branch}.json"),
        }

    def kept_between_attempts(self) -> tuple[Path, ...]:
        return (self.folder() / f".checkpoint_{self.branch}.safetensors",)

    def run(self) -> None:
        from deepsf.adversarial.train import train_member
        from deepsf.networks.scale_factor import save_member

        checkpoint = checkpoint_of(self, f"member {self.branch}")
        member, history = train_member(
            load_measurement(self),
            self.cfg("training"),
            member_seed(self, self.branch_data),
            report=ProgressLine(self, f"member {self.branch}"),
            checkpoint=checkpoint,
        )
        with staged(self.output()["member"], self.output()["history"]) as (weights, record):
            save_member(weights, member, hadron_flavours(self.cfg("flavours")))
            record.write_text(json.dumps(history, sort_keys=True, allow_nan=False))
        checkpoint.remove()


def member_seed(task: ConfigTask, number: int) -> np.random.SeedSequence:
    """Return the seed of a member of DeepSF; ``task`` declares ``ensemble.seed``."""
    from deepsf.seeds import seed_sequence

    return seed_sequence(task.cfg("ensemble.seed"), "deepsf", number)


class AggregateDeepSF(ConfigTask):
    """Joins the members in one file, ``ensemble.safetensors``, and evaluates it: in bins, on a grid, at every entry.

    Values are the mean over members, its standard error, and the spread.
    """

    code_version = 6
    keeps_replaced = True
    uses_networks = True
    config_keys = (*ENTRY_KEYS, "ensemble.n_members", "training.precision")

    def requires(self) -> Any:
        return {
            "members": TrainDeepSF.req(self),
            "skims": SkimNtuples.req(self),
            "binned": MeasureBinnedSF.req(self),
        }

    def output(self) -> Any:
        return {
            "ensemble": self.target("ensemble.safetensors"),
            "bins": self.target("bins.json"),
            "grid": self.target("grid.json"),
            **{f"entries_{region}": self.target(f"entries_{region}.parquet") for region in self.cfg("regions")},
        }

    def run(self) -> None:
        from deepsf.networks.ensemble import aggregate
        from deepsf.networks.scale_factor import EnsembleScaleFactor, load_member
        from deepsf.training.members import Members

        inputs, precision = self.input(), self.cfg("training.precision")
        outputs_of = self.requires()["members"].members()
        loaded = (load_member(output["member"].file, precision) for output in outputs_of.values())
        ensemble = EnsembleScaleFactor(tuple(loaded), hadron_flavours(self.cfg("flavours")))
        records = {number: output["history"].read_json() for number, output in outputs_of.items()}
        members = Members.of(records, self.cfg("ensemble.n_members"))
        for warning in members.warnings("member"):
            self.publish_message(warning)
        result = aggregate(
            ensemble,
            self.cfg("regions"),
            load_entries(self, inputs["skims"]),
            load_binned(inputs["binned"]).bins,
            members=members,
        )
        outputs = self.output()
        with staged(*outputs.values()) as parts:
            paths = dict(zip(outputs, parts, strict=True))
            ensemble.save(paths["ensemble"])
            paths["bins"].write_text(result.bins_json)
            paths["grid"].write_text(result.grid_json)
            for region, entries in result.entries.items():
                entries.write(paths[f"entries_{region}"])


def load_ensemble(task: ConfigTask, requirement: Any) -> EnsembleScaleFactor:
    """Return the ensemble of `AggregateDeepSF`; ``task`` declares ``training.precision``."""
    from deepsf.networks.scale_factor import EnsembleScaleFactor

    return EnsembleScaleFactor.load(requirement["ensemble"].file, task.cfg("training.precision"))
