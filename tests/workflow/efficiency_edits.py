"""Edits of the configuration of efficiencies, one after the other, with the exact set of tasks that run."""

from __future__ import annotations

from tests.workflow.campaign import Campaign
from tests.workflow.edits import Edit, Requirements

TOP = "ProduceEfficiencyEnsemble"
REQUIRED: Requirements = {
    "GenerateEfficiencyToy": set(),
    "BuildEfficiencyMaps": {"GenerateEfficiencyToy"},
    "TrainEfficiency": {"GenerateEfficiencyToy"},
    "TrainEfficiencyComparisons": {"GenerateEfficiencyToy"},
    "TrainEfficiencyFolds": {"GenerateEfficiencyToy"},
    "AggregateEfficiency": {"TrainEfficiency", "TrainEfficiencyComparisons", "TrainEfficiencyFolds"},
    "EvaluateEfficiency": {"AggregateEfficiency", "BuildEfficiencyMaps", "GenerateEfficiencyToy"},
    "MeasureNonClosure": {"EvaluateEfficiency", "GenerateEfficiencyToy"},
    "ApplyTruthTagging": {"EvaluateEfficiency", "GenerateEfficiencyToy", "MeasureNonClosure"},
    "RunCoverageReplicas": set(),
    "RunEfficiencyExperiments": set(),
    "MeasureEfficiencySF": set(),
    "ExportEfficiency": {"AggregateEfficiency", "BuildEfficiencyMaps", "MeasureNonClosure"},
    "AuditEfficiency": {"GenerateEfficiencyToy", "AggregateEfficiency", "BuildEfficiencyMaps", "EvaluateEfficiency"}
    | {"ExportEfficiency", "RunCoverageReplicas", "RunEfficiencyExperiments", "MeasureEfficiencySF"}
    | {"MeasureNonClosure", "TrainEfficiency", "TrainEfficiencyComparisons"},
    "PlotEfficiency": {"AuditEfficiency", "TrainEfficiency", "TrainEfficiencyComparisons"},
    TOP: {"AuditEfficiency", "ApplyTruthTagging", "ExportEfficiency", "PlotEfficiency"},
}
"""What each task requires."""

SAMPLES = range(3)
TOYS = {f"GenerateEfficiencyToy/{number}" for number in SAMPLES}
EVALUATIONS = {f"EvaluateEfficiency/{number}" for number in SAMPLES}
TAGGED = {f"ApplyTruthTagging/{number}" for number in SAMPLES}
MEMBERS = {f"TrainEfficiency/{number}" for number in range(3)}
EXPERIMENTS = {"RunEfficiencyExperiments/0", "RunEfficiencyExperiments/1"}
SAMPLES_OF_THEIR_OWN = {"RunCoverageReplicas", "MeasureEfficiencySF"}
"""Experiments that depend on the toy, and not on how many events it has."""
FOLDS = {f"TrainEfficiencyFolds/{number}" for number in range(2)}


def efficiency_edits(campaign: Campaign) -> list[Edit]:
    """Return the edits for a campaign whose main job is done; each comes on top of those before it."""
    seed = {"truth_tagging": {"seed": 2}}
    pairwise = seed | {"models": {"pairwise": {"learning_rate": 0.001}}}
    member = pairwise | {"ensemble": {"n_members": 4}}
    test = member | {"toy": {"n_test": 2000}}
    toy = member | {"toy": {"n_test": 2000, "seed": 2}}
    return [
        Edit("a comment", {}, set(), "", TOP, set()),
        Edit("the order of keys", {}, set(), "", TOP, set(), act=Campaign.reverse_keys),
        Edit(
            "a label of the plots",
            {"plots": {"label": "Edited"}},
            {"PlotEfficiency"},
            "PlotEfficiency stale: plots.label: Toy simulation -> Edited",
            TOP,
            {"PlotEfficiency", TOP},
        ),
        Edit(
            "how a tag is drawn",
            {"efficiency": seed},
            {"ApplyTruthTagging"},
            "ApplyTruthTagging stale (0/3): efficiency.truth_tagging.seed: 1 -> 2",
            TOP,
            {*TAGGED, TOP},
        ),
        Edit(
            "one network that the ensemble is compared with",
            {"efficiency": pairwise},
            {"TrainEfficiencyComparisons"},
            "TrainEfficiencyComparisons stale (2/4): efficiency.models.pairwise.learning_rate: 0.002 -> 0.001",
            "AggregateEfficiency",
            # branches 0 and 1 are the feed-forward networks
            {"TrainEfficiencyComparisons/2", "TrainEfficiencyComparisons/3", "AggregateEfficiency"},
        ),
        Edit(
            "one more member",
            {"efficiency": member},
            {"TrainEfficiency", "AggregateEfficiency", "AuditEfficiency"},
            "TrainEfficiency absent (3/4)",
            "AggregateEfficiency",
            {"TrainEfficiency/3", "AggregateEfficiency"},
        ),
        Edit(
            "another sample to test on, of the same events to train on",
            {"efficiency": test},
            {"GenerateEfficiencyToy", "AuditEfficiency", "RunEfficiencyExperiments"},
            "efficiency.toy.n_test: 3000 -> 2000",
            "AuditEfficiency",
            # the non-closure of the ensemble alone, which the audit asks for
            {*TOYS, *EVALUATIONS, *EXPERIMENTS, "MeasureNonClosure/1", "ExportEfficiency", "AuditEfficiency"},
        ),
        Edit(
            "the toy's seed",
            {"efficiency": toy},
            {"GenerateEfficiencyToy", "AuditEfficiency", "RunEfficiencyExperiments", *SAMPLES_OF_THEIR_OWN},
            "efficiency.toy.seed: 1 -> 2",
            "AggregateEfficiency",
            # of the toy the sample to train on alone
            {"GenerateEfficiencyToy/0", *MEMBERS, "TrainEfficiency/3", *FOLDS, "AggregateEfficiency"}
            | {f"TrainEfficiencyComparisons/{number}" for number in range(4)},
        ),
        Edit(
            "back to the first configuration",
            {"plots": {}, "efficiency": {}},
            {"GenerateEfficiencyToy"},
            "efficiency.toy.n_test: 2000 -> 3000",
            TOP,
            # not the maps: nothing in between has asked for other ones
            {*TOYS, *EVALUATIONS, *TAGGED, *EXPERIMENTS, "MeasureNonClosure/1", "ExportEfficiency"}
            | {"PlotEfficiency", TOP},
            restored=frozenset(
                {
                    "TrainEfficiency",
                    "TrainEfficiencyComparisons",
                    "TrainEfficiencyFolds",
                    "AggregateEfficiency",
                    "AuditEfficiency",
                }
            ),
            fits_again=frozenset(SAMPLES_OF_THEIR_OWN),
        ),
    ]
