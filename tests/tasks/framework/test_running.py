"""Around a run: it is spared where nothing changed, and what it makes is sealed with what it was made from."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from deepsf.config import ConfigError
from tasks.framework import provenance
from tasks.framework.base import ConfigTask
from tests.tasks.framework.chain import (
    FirstOfChain,
    SecondOfChain,
    in_a_killed_process,
    kill,
    why,
)


def test_an_upstream_rerun_with_equal_content_stops_there(campaign, monkeypatch):
    campaign.make(SecondOfChain)
    before = campaign.times()
    campaign.edit(training={"learning_rate": 5e-4})  # declared by the first task, but not in what it writes
    assert not campaign.task(SecondOfChain).complete()
    messages = []
    monkeypatch.setattr(ConfigTask, "publish_message", lambda _, message: messages.append(message))
    assert campaign.make(SecondOfChain).complete()
    assert messages == ["SecondOfChain: inputs did not change, nothing to do"]
    after = campaign.times()
    assert [path for path in before if after[path] != before[path]] == ["v1/mine/FirstOfChain/first.json"]


def test_two_files_of_one_stem_under_one_version_are_an_error_that_names_both(campaign, tmp_path):
    campaign.make(FirstOfChain)
    first = campaign.path
    campaign.path = tmp_path / "elsewhere" / "mine.yaml"
    campaign.path.parent.mkdir()
    campaign.edit(training={"layers": 5})
    with pytest.raises(ConfigError) as error:
        campaign.make(FirstOfChain)
    assert f"{campaign.path}: " in str(error.value)
    assert f"come from {first}; rename one of the two files, or use another --version" in str(error.value)
    assert json.loads((campaign.data / "v1/mine/FirstOfChain/first.json").read_text()) == {"layers": 3}
    campaign.make(FirstOfChain, version="v2")


def test_an_exception_in_a_rerun_leaves_the_old_output_whole_and_stale(campaign, monkeypatch):
    task = campaign.make(SecondOfChain)
    before = task.output()["one"].file.read_text()
    campaign.edit(ensemble={"seed": 5})
    with monkeypatch.context() as context:
        context.setattr(SecondOfChain, "during_run", staticmethod(lambda: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            campaign.make(SecondOfChain)
    assert task.output()["one"].file.read_text() == before
    assert why(campaign.task(SecondOfChain)) == ["ensemble.seed: 1 -> 5"] * 2


def test_a_process_killed_between_output_and_manifest_leaves_nothing_that_counts(campaign, monkeypatch):
    campaign.make(SecondOfChain)
    campaign.edit(ensemble={"seed": 5})
    with monkeypatch.context() as context:
        context.setattr("tasks.framework.running.write_manifest", lambda *_: kill())
        in_a_killed_process(campaign.task(SecondOfChain).run)
    task = campaign.task(SecondOfChain)
    assert json.loads(task.output()["one"].file.read_text())["seed"] == 5
    assert why(task) == ["changed after it was made"] * 2
    campaign.edit(ensemble={"seed": 1})  # the old manifest fits, the new content does not
    assert not campaign.task(SecondOfChain).complete()


def test_inputs_that_change_while_a_task_runs_are_an_error_and_seal_nothing(campaign, monkeypatch):
    path = campaign.data / "external.txt"
    with monkeypatch.context() as context:
        context.setattr(SecondOfChain, "during_run", staticmethod(lambda: path.write_text("changed meanwhile")))
        with pytest.raises(RuntimeError) as error:
            campaign.make(SecondOfChain)
    assert str(error.value) == (f"SecondOfChain: inputs changed while the task ran ({path} changed); run it again")
    assert not campaign.task(SecondOfChain).complete()
    assert campaign.make(SecondOfChain).complete()


def test_an_upstream_output_with_a_flipped_bit_is_not_read(campaign, monkeypatch):
    first = campaign.make(FirstOfChain).output().file
    real, status = provenance._status, provenance._status(first)
    monkeypatch.setattr(provenance, "_status", lambda path: status if path == first else real(path))
    first.write_text(first.read_text().replace("3", "7"))
    with pytest.raises(ValueError, match=r"first\.json: its content is not what was written, though size and time are"):
        campaign.make(SecondOfChain)
    assert not campaign.task(SecondOfChain).complete()


def test_an_output_that_is_up_to_date_is_not_made_again(campaign, monkeypatch):
    task = campaign.make(SecondOfChain)
    before = campaign.times()
    monkeypatch.setattr(SecondOfChain, "during_run", staticmethod(lambda: pytest.fail("it ran")))
    messages = []
    monkeypatch.setattr(ConfigTask, "publish_message", lambda _, message: messages.append(message))
    task.run()
    assert messages == ["SecondOfChain: inputs did not change, nothing to do"]
    assert campaign.times() == before


def test_a_run_notes_its_costs_and_claims_the_name_of_its_campaign(campaign):
    task = campaign.make(FirstOfChain)
    costs = json.loads(task.record_file().read_text())
    assert costs.keys() == {"wall_s", "cpu_s", "peak_rss_mb"}
    assert 0 <= costs["wall_s"] < 60
    assert costs["peak_rss_mb"] > 10
    claim = json.loads((campaign.data / "v1" / "mine" / ".config.json").read_text())
    assert claim == {"file": str(campaign.path)}


def test_a_branch_that_may_fail_leaves_no_manifest_and_no_error(campaign, monkeypatch):
    campaign.make(FirstOfChain)
    tolerated = []
    monkeypatch.setattr(SecondOfChain, "during_run", staticmethod(lambda: 1 / 0))
    monkeypatch.setattr(SecondOfChain, "tolerates", lambda _, error: tolerated.append(error) or True)
    task = campaign.task(SecondOfChain)
    task.run()
    assert [type(error) for error in tolerated] == [ZeroDivisionError]
    assert not task.complete()
    assert not task.record_file().exists()


@pytest.mark.parametrize("uses_networks", [True, False])
def test_torch_is_set_up_before_tasks_that_use_networks_and_no_others(campaign, monkeypatch, uses_networks):
    campaign.make(FirstOfChain)
    order = []
    monkeypatch.setattr("deepsf.networks.cpu.prepare_process", lambda: order.append("prepared"))
    monkeypatch.setattr(SecondOfChain, "during_run", staticmethod(lambda: order.append("ran")))
    monkeypatch.setattr(SecondOfChain, "uses_networks", uses_networks)
    campaign.task(SecondOfChain).run()
    assert order == (["prepared", "ran"] if uses_networks else ["ran"])


HEAVY = {
    "torch",
    "awkward",
    "uproot",
    "numba",
    "scipy",
    "pyarrow",
    "matplotlib",
    "onnxruntime",
    "correctionlib",
    "hist",
}


def test_planning_all_tasks_loads_no_heavy_library(campaign):
    code = (
        "import sys; from tasks.produce import ProduceDeepSFEnsemble\n"
        "from tasks.efficiency.produce import ProduceEfficiencyEnsemble\n"
        "tops = ProduceDeepSFEnsemble(version='v1'), ProduceEfficiencyEnsemble(version='v1')\n"
        "tasks = [task for top in tops for task, *_ in top.walk_deps()]\n"
        "assert len(tasks) > 300 and not any(task.complete() for task in tasks)\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())
