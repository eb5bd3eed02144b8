"""Truth tagging: a table a sample, and scale factors that must be there."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config import ConfigError
from deepsf.efficiency import evaluation
from deepsf.efficiency.audit.scale_factor_rows import scale_factor_rows
from deepsf.efficiency.evaluation import ModelEfficiencies
from tasks.efficiency.produce import ProduceEfficiencyEnsemble
from tasks.efficiency.truth_tagging import ApplyTruthTagging
from tasks.framework import settings
from tests.analysis.efficiency.events.hand_events import flat_events
from tests.oracles.tag_corrections import POINTS, cuts_file, shape_file
from tests.tasks.conftest import names

ROWS_OF_SCALE_FACTORS = ("yields", "mean_scale_factor", "negative_weights", "merged_cells")


def test_scale_factors_that_are_not_there_are_named_before_anything_runs(of, tmp_path):
    file = tmp_path / "sf.json"
    truth_tagging = {"scale_factors": {"file": str(file), "names": ["deepJet_comb"]}}
    with pytest.raises(ConfigError, match=rf"truth_tagging\.scale_factors\.file: {file} is not there; give a path"):
        of(ProduceEfficiencyEnsemble, efficiency={"truth_tagging": truth_tagging}).requires()
    cuts_file(file, abseta_max=2.5)
    truth_tagging["scale_factors"]["names"] = ["heavy", "light"]
    required = of(ProduceEfficiencyEnsemble, efficiency={"truth_tagging": truth_tagging}).requires()
    assert isinstance(required["tagged"], ApplyTruthTagging)


def test_each_sample_is_a_branch(of):
    task = of(ApplyTruthTagging)
    assert [names(branch) for branch in task.get_branch_tasks().values()] == [
        [f"truth_tagged_{sample}.parquet"] for sample in ("train", "test", "scalar")
    ]
    required = task.as_branch(1).requires()
    assert (required["efficiencies"].branch_data, required["events"].branch_data) == ("test", "test")


def test_it_depends_on_how_tags_are_drawn_and_on_no_training(changed):
    assert changed(ApplyTruthTagging, efficiency={"truth_tagging": {"seed": 9}}) == {"config:efficiency.truth_tagging"}
    assert changed(ApplyTruthTagging, efficiency={"ensemble": {"seed": 9}}) == set()


@pytest.mark.parametrize(
    ("truth_tagging", "message"),
    [
        (
            {"taggable": {"abseta_max": 2.5}},
            r"efficiency\.truth_tagging\.taggable \(pt_min_gev 20, abseta_max 2\.5\): light: abseta 2\.5 is outside "
            r"of 0 to 2\.4 \(1 jets\); select jets that the correction is made for",
        ),
        (
            {"scale_factors": {"systematics": {"x": {"heavy": "up_frs"}}}},
            r"efficiency\.truth_tagging\.scale_factors: .*cuts\.json: systematic 'x': no correction of "
            r"\['heavy', 'light'\] has 'up_frs'; did you mean 'up_fsr'\?",
        ),
        (
            {"scale_factors": {"names": ["heavy"]}},
            r"taggable \(pt_min_gev 20, abseta_max 2\.4\): none of the corrections \['heavy'\] has 'central', 'L' and",
        ),
    ],
)
def test_scale_factors_that_do_not_fit_are_named_before_anything_runs(of, tmp_path, truth_tagging, message):
    given = {"file": str(cuts_file(tmp_path / "cuts.json")), "names": ["heavy", "light"]}
    section = {"taggable": {"abseta_max": 2.4}, **truth_tagging}
    section["scale_factors"] = given | truth_tagging.get("scale_factors", {})
    with pytest.raises(ConfigError, match=message):
        of(ApplyTruthTagging, efficiency={"truth_tagging": section})


def test_a_toy_has_no_scores_for_scale_factors_of_shapes_and_skims_have_some(of, tmp_path):
    given = {"file": str(shape_file(tmp_path / "shape.json")), "names": ["shape"]}
    message = (
        r"names: shape depends on the discriminant, which jets of efficiency\.toy do not have; take scale factors of"
    )
    with pytest.raises(ConfigError, match=message):
        of(ApplyTruthTagging, efficiency={"truth_tagging": {"scale_factors": given}})
    of(ApplyTruthTagging, "efficiency_nanoaod", efficiency={"truth_tagging": {"scale_factors": given}})


def test_a_run_has_columns_for_every_systematic_which_the_audit_reads(of, tmp_path):
    rng = np.random.default_rng(1)
    counts = np.full(200, 2)
    pt_gev, flavour, tag_bin = np.tile([90.0, 50.0], 200), rng.integers(0, 3, 400), rng.integers(0, 4, 400)
    events = flat_events(counts, working_points=POINTS, pt_gev=pt_gev, flavour=flavour, tag_bin=tag_bin)
    efficiency = np.tile(np.array([0.75, 0.5, 0.25], np.float32), (400, 1))
    given = {"file": str(cuts_file(tmp_path / "cuts.json", 2.5)), "names": ["heavy", "light"]}
    given["systematics"] = {"bc_up": {"heavy": "up"}, "*_fsr": "*_fsr"}
    branch = of(ApplyTruthTagging, efficiency={"truth_tagging": {"scale_factors": given}}).as_branch(1)
    model = ModelEfficiencies(efficiency)
    for target, write in (
        (branch.events_target("test"), events.write),
        (branch.input()["efficiencies"], lambda path: evaluation.write(path, {"gnn": model})),
    ):
        target.file.parent.mkdir(parents=True, exist_ok=True)
        write(target.file)
    branch.requires()["non_closure"].run()
    branch.run()
    columns = pq.read_schema(branch.output().file).names
    selections = ("exactly_1", "exactly_2", "at_least_1", "at_least_2")
    expected = {"direct_scale_factor"} | {
        f"{key}_{s}" for s in selections for key in ("scale_factor", "data_probability")
    }
    assert {f"{name}{end}" for name in expected for end in ("", "_bc_up", "_up_fsr")} <= set(columns)
    rows = scale_factor_rows(branch.output().file)
    known = settings.config(str(branch.config)).efficiency.row_names(("b", "c", "udsg"))
    assert rows.keys() == {name for name in known if name.split(".")[1] in ROWS_OF_SCALE_FACTORS}
    assert rows["truth_tagging.mean_scale_factor.b"].value == pytest.approx(0, abs=1e-5)
