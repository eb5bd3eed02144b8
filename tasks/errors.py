"""Errors of the networks' scale factors: repetitions of the direct density ratio, and what follows from them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepsf.config.flavours import hadron_flavours
from tasks.binned import MeasureBinnedSF, load_binned
from tasks.deepsf import AggregateDeepSF, load_ensemble
from tasks.direct import TrainDirectSF, load_direct
from tasks.framework.base import ConfigTask
from tasks.framework.members import EnsembleWorkflow
from tasks.framework.targets import staged
from tasks.framework.workflows import Workflow
from tasks.inputs import (
    MEASUREMENT_KEYS,
    SampleInclusiveJets,
    load_inclusive,
    load_measurement,
    load_shifts,
    measurement_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepsf.errors.method_errors import MethodErrors, Refits
    from deepsf.errors.refit import Refit
    from deepsf.networks.scale_factor import EnsembleScaleFactor, MemberScaleFactor

REFIT_KEYS = (*MEASUREMENT_KEYS, "training.inputs", "training.precision", "direct", "errors.seed")
"""What repetitions of the direct density ratio read of the configuration."""
DEEPSF_SHIFT_KEYS = ("errors.deepsf_shift_passes", "errors.deepsf_shift_learning_rate")
"""What repetitions of DeepSF read besides."""


def refit_inputs(task: ConfigTask) -> dict[str, Any]:
    """Return what a repetition of the direct density ratio needs, as requirements of a task."""
    return measurement_inputs(task) | {"direct": TrainDirectSF.req(task)}


def load_refit(task: ConfigTask) -> Refit:
    """Return the fit to repeat, from the inputs `refit_inputs` of a task."""
    from deepsf.errors.refit import Refit

    start = load_direct(task.input()["direct"]).members[0]
    return Refit(task.cfg("training.inputs"), task.cfg("direct"), task.cfg("training.precision"), start)


class TrainBootstraps(EnsembleWorkflow):
    """Repeats the direct density ratio on bootstraps by event of data and simulation, one per branch."""

    members_key = "errors.n_bootstrap"
    keeps_replaced = True
    uses_networks = True
    config_keys = REFIT_KEYS

    def shared_requirements(self) -> dict[str, Any]:
        return refit_inputs(self)

    def own_parameters(self) -> dict[str, Any]:
        return {"bootstrap": self.branch_data}

    def output(self) -> Any:
        return {
            "member": self.target(f"bootstrap_{self.branch}.safetensors"),
            "history": self.target(f"history_{self.branch}.json"),
        }

    def run(self) -> None:
        from deepsf.networks.scale_factor import save_member
        from deepsf.seeds import seed_sequence

        seed = seed_sequence(self.cfg("errors.seed"), "bootstrap", self.branch_data)
        member, history = load_refit(self).bootstrap(load_measurement(self), seed)
        with staged(self.output()["member"], self.output()["history"]) as (weights, record):
            save_member(weights, member, hadron_flavours(self.cfg("flavours")))
            record.write_text(json.dumps(history, sort_keys=True, allow_nan=False))


class TrainShifts(Workflow):
    """Repeats the direct density ratio under every systematic shift; a branch has its share of the shifts.

    The first one has the fit without shift besides, which all others are compared with.
    """

    code_version = 2
    method = "direct density ratio"
    keeps_replaced = True
    uses_networks = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Working points too, where tighter cuts on the tag jet may be named by them."""
        shifts = self.plan_cfg("shifts")
        named = ("tagger.working_points",) if shifts is not None and shifts.tag_cuts else ()
        return (*REFIT_KEYS, "shifts", "errors.shift_jobs", *named)

    def create_branch_map(self) -> dict[int, int]:
        return {number: number for number in range(self.plan_cfg("errors.shift_jobs"))}

    def refit(self) -> Any:
        """Return the fit to repeat, a function of the measurement and a seed."""
        return load_refit(self).shifted

    def shared_requirements(self) -> dict[str, Any]:
        return refit_inputs(self)

    def own_parameters(self) -> dict[str, Any]:
        return {"share": self.branch_data}

    def output(self) -> Any:
        return {
            "members": self.target(f"shifts_{self.branch}.safetensors"),
            "names": self.target(f"names_{self.branch}.json"),
            "history": self.target(f"history_{self.branch}.json"),
        }

    def run(self) -> None:
        from deepsf.errors.refit import under_shifts
        from deepsf.errors.shifted import shift_names
        from deepsf.networks.scale_factor import EnsembleScaleFactor
        from deepsf.seeds import seed_sequence
        from deepsf.skim.shifts import NOMINAL

        shifts = load_shifts(self)
        assert shifts is not None  # it is not required without the section
        shifts = shifts.chosen()
        own = (NOMINAL, *shift_names(shifts))[self.branch_data :: self.cfg("errors.shift_jobs")]
        seed = seed_sequence(self.cfg("errors.seed"), "shifts")
        members, histories = [], {}
        for name, member, history in under_shifts(self.refit(), load_measurement(self), shifts, own, seed):
            members.append(member)
            histories[name] = history
            self.publish_message(f"{self.method} under {name} done")
        with staged(*self.output().values()) as (weights, names, record):
            EnsembleScaleFactor(tuple(members), hadron_flavours(self.cfg("flavours"))).save(weights)
            names.write_text(json.dumps(list(histories), allow_nan=False))
            record.write_text(json.dumps(histories, sort_keys=True, allow_nan=False))


class TrainDeepSFShifts(TrainShifts):
    """Repeats DeepSF under every systematic shift, with networks that start from the first direct density ratio.

    A branch has its share of the shifts. The first one has the training without shift besides.
    """

    code_version = 1
    method = "DeepSF"

    @property
    def config_keys(self) -> tuple[str, ...]:
        """The training besides."""
        return (*super().config_keys, "training", *DEEPSF_SHIFT_KEYS)

    def refit(self) -> Any:
        from deepsf.adversarial.refit import AdversarialRefit, refit_settings

        start = load_refit(self).start
        passes, rate = (self.cfg(key) for key in DEEPSF_SHIFT_KEYS)
        settings = refit_settings(self.cfg("training"), start, passes=passes, learning_rate=rate)
        return AdversarialRefit(settings, start).shifted


class MeasureErrors(ConfigTask):
    """Joins the repetitions of the fit, and compares every network method with the binned scale factor.

    ``errors.json`` has the errors by cell of pT and score, ``refits.safetensors`` the repetitions of the direct density
    ratio, ``refits_deepsf.safetensors`` DeepSF under shifts.
    """

    code_version = 3
    keeps_replaced = True
    uses_networks = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Settings of the shifts only where they are repeated."""
        return (*_COMMON_KEYS, "shifts") if _repeats_shifts(self) else _COMMON_KEYS

    def requires(self) -> Any:
        needed = {
            "binned": MeasureBinnedSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
            "inclusive": SampleInclusiveJets.req(self),
        }
        if self.plan_cfg("direct") is None:
            return needed
        needed |= {"direct": TrainDirectSF.req(self), "bootstraps": TrainBootstraps.req(self)}
        if _repeats_shifts(self):
            needed |= {"shifts": TrainShifts.req(self), "deepsf_shifts": TrainDeepSFShifts.req(self)}
        return needed

    def output(self) -> Any:
        names = {"errors": "errors.json"}
        if self.plan_cfg("direct") is not None:
            names["refits"] = "refits.safetensors"
            if _repeats_shifts(self):
                names["deepsf_refits"] = "refits_deepsf.safetensors"
        return {key: self.target(name) for key, name in names.items()}

    def run(self) -> None:
        from deepsf.audit.methods import DEEPSF, DIRECT
        from deepsf.errors.measure import measure_errors
        from deepsf.errors.method_errors import Refits

        inputs, outputs = self.input(), self.output()
        ensembles = {DEEPSF: load_ensemble(self, inputs["deepsf"])}
        if "direct" in inputs:
            ensembles[DIRECT] = load_direct(inputs["direct"])
        refits = Refits(tuple(self._bootstraps())).with_shifts(self._shifted("shifts"))
        deepsf = Refits().with_shifts(self._shifted("deepsf_shifts"))
        report = measure_errors(
            ensembles,
            refits,
            load_binned(inputs["binned"]),
            load_inclusive(inputs["inclusive"]),
            tuple(self.cfg("flavours")),
            sorted(self.cfg("tagger.working_points").values()),
        )
        report["trainings"] = self._trainings()
        codes = hadron_flavours(self.cfg("flavours"))
        with staged(*outputs.values()) as parts:
            paths = dict(zip(outputs, parts, strict=True))
            paths["errors"].write_text(json.dumps(report, sort_keys=True, allow_nan=False))
            if "refits" in paths:
                refits.save(paths["refits"], codes)
            if "deepsf_refits" in paths:
                deepsf.save(paths["deepsf_refits"], codes)

    def _bootstraps(self) -> list[MemberScaleFactor]:
        from deepsf.networks.scale_factor import load_member

        required = self.requires().get("bootstraps")
        return (
            [] if required is None else [load_member(output["member"].file) for output in required.members().values()]
        )

    def _shifted(self, requirement: str) -> dict[str, MemberScaleFactor]:
        """Return the fits under shifts by name, and the one without any."""
        from deepsf.networks.scale_factor import EnsembleScaleFactor

        shifted: dict[str, MemberScaleFactor] = {}
        for branch in self._shift_outputs(requirement):
            members = EnsembleScaleFactor.load(branch["members"].file).members
            shifted |= dict(zip(branch["names"].read_json(), members, strict=True))
        return shifted

    def _shift_outputs(self, requirement: str) -> list[Any]:
        inputs = self.input()
        return list(inputs[requirement]["collection"].targets.values()) if requirement in inputs else []

    def _trainings(self) -> dict[str, Any]:
        """Return which repetitions there are and which have not converged, by kind; print the latter."""
        from deepsf.training.members import Members

        bootstraps: dict[int, Any] = {}
        shifts: dict[str, Any] = {}
        deepsf: dict[str, Any] = {}
        if (required := self.requires().get("bootstraps")) is not None:
            histories = {number: output["history"].read_json() for number, output in required.members().items()}
            bootstraps = {number: history["scale_factors"] for number, history in histories.items()}
        for branch in self._shift_outputs("shifts"):
            shifts |= {name: history["scale_factors"] for name, history in branch["history"].read_json().items()}
        for branch in self._shift_outputs("deepsf_shifts"):
            deepsf |= branch["history"].read_json()
        kinds: dict[str, tuple[str, Mapping[Any, Any], int]] = {
            "bootstraps": ("bootstrap", bootstraps, self.cfg("errors").n_bootstrap),
            "shifts": ("fit under the shift", shifts, len(shifts)),
            "deepsf_shifts": ("DeepSF under the shift", deepsf, len(deepsf)),
        }
        found = {}
        for kind, (what, records, configured) in kinds.items():
            if records:
                members = Members.of(records, configured)
                found[kind] = members.to_json()
                for warning in members.warnings(what):
                    self.publish_message(warning)
        return found


_COMMON_KEYS = ("flavours", "tagger.working_points", "direct", "errors", "training.precision")


def _repeats_shifts(task: ConfigTask) -> bool:
    return task.plan_cfg("shifts") is not None and task.plan_cfg("errors").shifts


def load_errors(
    task: ConfigTask, requirement: Any, ensembles: Mapping[str, EnsembleScaleFactor]
) -> dict[str, MethodErrors]:
    """Return the errors of ensembles by method; ``task`` declares ``extrapolation``."""
    from deepsf.audit.methods import DEEPSF
    from deepsf.errors.measure import errors_of
    from deepsf.errors.method_errors import Refits

    report = requirement["errors"].read_json()
    refits = dict.fromkeys(ensembles, Refits())
    if "refits" in requirement:
        refits = dict.fromkeys(ensembles, _load_refits(requirement["refits"], report["shifts"]))
    if "deepsf_refits" in requirement:
        own = _load_refits(requirement["deepsf_refits"], report["shifts"])
        refits[DEEPSF] = replace(own, bootstraps=refits[DEEPSF].bootstraps)
    return errors_of(ensembles, refits, report, task.cfg("extrapolation").error)


def _load_refits(target: Any, shift_names: Sequence[str]) -> Refits:
    from deepsf.errors.method_errors import Refits
    from deepsf.networks.scale_factor import EnsembleScaleFactor

    return Refits.of(EnsembleScaleFactor.load(target.file), shift_names)
