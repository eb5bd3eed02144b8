"""Where the time went: the records of all tasks of a campaign, summed by task."""

from __future__ import annotations

from tasks.framework.costs import print_costs
from tasks.framework.provenance import write_json
from tests.tasks.framework.chain import BranchesOfChain, CollectsBranches, FirstOfChain


def rows(capsys) -> list[list[str]]:
    """Return the cells of what was printed, without the head."""
    lines = capsys.readouterr().out.splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]


def test_costs_of_branches_add_up_and_the_largest_memory_counts(campaign, capsys):
    task = campaign.task(FirstOfChain)
    write_json(task.record_file(), {"wall_s": 2.4, "cpu_s": 1.0, "peak_rss_mb": 100})
    for number, peak in enumerate((300, 200)):
        branch = campaign.task(BranchesOfChain).as_branch(number)
        write_json(branch.record_file(), {"wall_s": 10.3, "cpu_s": 9.6, "peak_rss_mb": peak})
    print_costs(task)
    assert rows(capsys) == [["BranchesOfChain", "2", "21", "19", "300"], ["FirstOfChain", "1", "2", "1", "100"]]


def test_every_task_and_branch_that_ran_has_a_record(campaign, capsys):
    campaign.edit(ensemble={"n_members": 2})
    print_costs(campaign.make(CollectsBranches))
    assert [row[:2] for row in rows(capsys)] == [["BranchesOfChain", "2"], ["CollectsBranches", "1"]]
