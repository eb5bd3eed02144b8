"""Edits of the configuration and of an input file, one after the other, with the exact set of tasks that run."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from tests.workflow.campaign import ROOT, Campaign, not_up_to_date

Requirements = dict[str, set[str]]
TOP = "ProduceDeepSFEnsemble"
REQUIRED: Requirements = {
    "TuneGenerator": set(),
    "GenerateNtuples": {"TuneGenerator"},
    "SkimNtuples": {"GenerateNtuples"},
    "ReportCutFlow": {"SkimNtuples"},
    "SampleInclusiveJets": {"SkimNtuples", "ReportCutFlow"},
    "MeasureBinnedSF": {"SkimNtuples", "SampleInclusiveJets"},
    "TrainDeepSF": {"SkimNtuples", "SampleInclusiveJets"},
    "AggregateDeepSF": {"TrainDeepSF", "SkimNtuples", "MeasureBinnedSF"},
    "TrainDirectSF": {"SkimNtuples", "SampleInclusiveJets"},
    "TrainBootstraps": {"SkimNtuples", "SampleInclusiveJets", "TrainDirectSF"},
    "TrainShifts": {"SkimNtuples", "SampleInclusiveJets", "TrainDirectSF"},
    "TrainDeepSFShifts": {"SkimNtuples", "SampleInclusiveJets", "TrainDirectSF"},
    "MeasureErrors": {"SampleInclusiveJets", "MeasureBinnedSF", "AggregateDeepSF", "TrainDirectSF"}
    | {"TrainBootstraps", "TrainShifts", "TrainDeepSFShifts"},
    "AuditScaleFactors": {"SkimNtuples", "SampleInclusiveJets", "MeasureBinnedSF", "AggregateDeepSF", "TrainDirectSF"}
    | {"MeasureErrors"},
    "ExportScaleFactors": {"SkimNtuples", "SampleInclusiveJets", "MeasureBinnedSF", "AggregateDeepSF", "TrainDirectSF"}
    | {"MeasureErrors"},
    "PlotScaleFactors": {"MeasureBinnedSF", "TrainDeepSF", "AggregateDeepSF", "AuditScaleFactors"},
    "PlotClosure": {"AuditScaleFactors"},
    "AuditPhaseSpace": {"SkimNtuples", "SampleInclusiveJets", "MeasureBinnedSF", "AggregateDeepSF", "TrainDirectSF"},
    "PlotPhaseSpace": {"AuditPhaseSpace", "AuditScaleFactors"},
    "PlotPurity": {"MeasureBinnedSF"},
    TOP: {"ReportCutFlow", "AuditScaleFactors", "ExportScaleFactors", "PlotScaleFactors", "PlotClosure"}
    | {"AuditPhaseSpace", "PlotPhaseSpace", "PlotPurity"},
}
"""What each task requires."""

PLOTS = {"PlotScaleFactors", "PlotClosure", "PlotPhaseSpace", "PlotPurity"}
MEMBERS = {"TrainDeepSF/0", "TrainDeepSF/1"}
NTUPLES = {f"GenerateNtuples/{number}" for number in range(4)}
SKIMS = {f"SkimNtuples/{number}" for number in range(4)}
JETS = {"ReportCutFlow", "SampleInclusiveJets"}
SKIMS_OF_DATA = {"SkimNtuples/2", "SkimNtuples/3"}


class Edit(NamedTuple):
    """What changes, what that must lead to, and how far it is run."""

    what: str
    sections: dict[str, Any]
    stale: set[str]
    """Tasks that the edit concerns itself; all that follow from them must be shown as stale too."""
    why: str
    """What the status says about one of them."""
    last: str
    """The task that is asked for."""
    ran: set[str]
    """Tasks and branches that must run then, and no other."""
    restored: frozenset[str] = frozenset()
    """Tasks of which outputs must come from the store."""
    fits_again: frozenset[str] = frozenset()
    """Tasks that were due, but nothing asked for them, and whose outputs are what the edit goes back to."""
    act: Callable[[Campaign], None] = lambda campaign: campaign.write("edited")


def other_true_sf(campaign: Campaign, *, shift: str) -> None:
    """Write the toy's true scale factors with a shift of theirs as the central ones, and the configuration."""
    tree = json.loads((ROOT / "configs" / "true_sf" / "toy.json").read_text())
    values = {item["key"]: item for item in tree["corrections"][0]["data"]["content"]}
    values["central"]["value"] = values[shift]["value"]
    campaign.path.with_name("true_sf.json").write_text(json.dumps(tree))
    campaign.write()


def edits(campaign: Campaign) -> list[Edit]:
    """Return the edits for a campaign whose main job is done; each comes on top of those before it."""
    colour = {"flavours": {"b": {"label": "b jets", "colour": "#123456"}}}
    binning = {"bins": {"b": {"discriminant": [-2.01, 0, 0.3, 0.6, 0.9, 1.01]}}}
    cut = {"lf": {"same_flavour": {"met_max_gev": 25.0}}}
    true_sf = {"seed": 2, "true_sf": {"file": str(campaign.path.with_name("true_sf.json"))}}
    return [
        Edit("a comment", {}, set(), "", TOP, set()),
        Edit("the order of keys", {}, set(), "", TOP, set(), act=Campaign.reverse_keys),
        Edit(
            "a colour of the plots",
            {"plots": colour},
            PLOTS,
            "PlotClosure stale: plots.flavours.b.colour: #3f90da -> #123456",
            TOP,
            {*PLOTS, TOP},
        ),
        Edit(
            "the binning of the binned method",
            {"binned": binning},
            {"MeasureBinnedSF", "PlotScaleFactors"},
            "MeasureBinnedSF stale: binned.bins.b.discriminant: [",
            "AuditScaleFactors",
            {"MeasureBinnedSF", "AggregateDeepSF", "MeasureErrors", "AuditScaleFactors"},
        ),
        Edit(
            "the learning rate",
            {"training": {"learning_rate": 0.0005}},
            {"TrainDeepSF", "TrainDeepSFShifts"},
            "TrainDeepSF stale (0/2): training.learning_rate: 0.001 -> 0.0005",
            "AggregateDeepSF",
            {*MEMBERS, "AggregateDeepSF"},
        ),
        Edit(
            "one more member",
            {"ensemble": {"n_members": 3}},
            {"TrainDeepSF", "AggregateDeepSF", "AuditScaleFactors"},
            "TrainDeepSF absent (2/3)",
            "AggregateDeepSF",
            {"TrainDeepSF/2", "AggregateDeepSF"},
        ),
        Edit(
            "a cut of a region",
            {"regions": cut},
            {"SkimNtuples"},
            "SkimNtuples stale (0/4): regions.lf.same_flavour.met_max_gev: 30.0 -> 25.0",
            "AggregateDeepSF",
            {*SKIMS, *JETS, "MeasureBinnedSF", *MEMBERS, "TrainDeepSF/2", "AggregateDeepSF"},
        ),
        Edit(
            "the generator's seed",
            {"generator": {"seed": 2}},
            {"TuneGenerator"},
            "TuneGenerator stale: generator.seed: 1 -> 2",
            "MeasureBinnedSF",
            {"TuneGenerator", *NTUPLES, *SKIMS, *JETS, "MeasureBinnedSF"},
        ),
        Edit(
            "another true scale factor",
            {"generator": true_sf},
            {"TuneGenerator"},
            "generator.true_sf.file: configs/true_sf/toy.json -> ",
            "SkimNtuples",
            {"TuneGenerator", *NTUPLES, *SKIMS_OF_DATA},
            act=partial(other_true_sf, shift="up_hf"),
        ),
        Edit(
            "an input file replaced",
            {},
            {"GenerateNtuples"},
            "true_sf.json changed",
            "SkimNtuples",
            {*NTUPLES, *SKIMS_OF_DATA},
            act=partial(other_true_sf, shift="up_lf"),
        ),
        Edit(
            "back to the first configuration",
            {name: {} for name in ("plots", "binned", "training", "ensemble", "regions", "generator")},
            {"TuneGenerator"},
            "training.learning_rate: 0.0005 -> 0.001",
            TOP,
            # not other ends: nothing in between has asked for another one
            {"TuneGenerator", *NTUPLES, *SKIMS, *JETS, *PLOTS, TOP},
            restored=frozenset(
                {"MeasureBinnedSF", "TrainDeepSF", "AggregateDeepSF", "MeasureErrors", "AuditScaleFactors"}
            ),
        ),
    ]


def with_all_that_require(tasks: set[str], requirements: Requirements) -> set[str]:
    found = set(tasks)
    while new := {task for task, required in requirements.items() if required & found} - found:
        found |= new
    return found


def with_all_required(task: str, requirements: Requirements) -> set[str]:
    return {task}.union(*(with_all_required(other, requirements) for other in requirements[task]))


def assert_each_edit_runs_exactly_what_depends_on_it(
    campaign: Campaign, made: Callable[[Campaign], list[Edit]] = edits, requirements: Requirements = REQUIRED
) -> None:
    """Make the edits on a campaign whose main job is done: what the status says, what runs, what comes back."""
    due: set[str] = set()
    for edit in made(campaign):
        campaign.sections |= edit.sections
        edit.act(campaign)
        due |= with_all_that_require(edit.stale, requirements)
        due -= edit.fits_again
        if edit.stale:
            status = campaign.status()
            assert edit.why in status, f"{edit.what}\n{status}"
            assert not_up_to_date(status) == due, f"{edit.what}\n{status}"
        before, costs = campaign.artefacts(), campaign.records()
        done = campaign.law(edit.last)
        assert done.returncode == 0, edit.what + done.stdout[-3000:] + done.stderr[-3000:]
        ran = {name for name, time in campaign.records().items() if costs.get(name) != time}
        assert ran == edit.ran, edit.what
        after = campaign.artefacts()
        written = {name.split("/")[0] for name in after if after[name] != before.get(name)}
        assert written == {name.split("/")[0] for name in ran} | edit.restored, edit.what
        assert written <= due, edit.what
        due -= with_all_required(edit.last, requirements)
