"""Ensembles that may do without a member: which members count, what is said, and when it is refused."""

from __future__ import annotations

import json

import pytest

from deepsf.config import ConfigError
from tasks.framework.base import ConfigTask
from tasks.framework.members import EnsembleWorkflow
from tasks.framework.targets import leaves, staged

BROKEN: set[int] = set()
"""Members that fail."""


class MembersOfChain(EnsembleWorkflow):
    """Members that may be told to fail."""

    members_key = "ensemble.n_members"

    def own_parameters(self):
        return {"member": self.branch_data}

    def output(self):
        return {"member": self.target(f"member_{self.branch}.json")}

    def run(self):
        if self.branch in BROKEN:
            raise ZeroDivisionError(f"member {self.branch} is broken")
        with staged(self.output()["member"]) as (path,):
            path.write_text(json.dumps(self.branch_data))


class JoinsMembers(ConfigTask):
    """Writes which members it has used."""

    def requires(self):
        return MembersOfChain.req(self)

    def output(self):
        return self.target("joined.json")

    def run(self):
        with staged(self.output()) as (path,):
            path.write_text(json.dumps(sorted(self.requires().members())))


@pytest.fixture(autouse=True)
def members(campaign):
    """Four members, of which none is broken yet; returns what tells which files there are."""
    BROKEN.clear()
    campaign.edit(ensemble={"n_members": 4})
    return lambda: sorted(path.name for path in (campaign.data / "v1/mine/MembersOfChain").glob("member_*.json"))


def joined(campaign) -> list[int]:
    return json.loads((campaign.data / "v1/mine/JoinsMembers/joined.json").read_text())


@pytest.mark.parametrize("n", [1, 5, -1])
def test_a_number_of_members_that_is_none_is_refused_when_the_task_is_asked_for(campaign, n):
    with pytest.raises(
        ConfigError, match=rf"--accept-members {n}: must be at least 2 and at most ensemble.n_members, which is 4; or 0"
    ):
        campaign.task(MembersOfChain, accept_members=n)


def test_all_members_are_trained_and_used_by_default(campaign, members):
    campaign.make(JoinsMembers)
    assert members() == [f"member_{number}.json" for number in range(4)]
    assert joined(campaign) == [0, 1, 2, 3]


def test_without_the_option_a_member_that_fails_is_an_error_and_nothing_is_joined(campaign):
    BROKEN.add(1)
    with pytest.raises(ZeroDivisionError, match="member 1 is broken"):
        campaign.make(JoinsMembers)
    assert not (campaign.data / "v1/mine/JoinsMembers/joined.json").exists()


def test_with_the_option_all_are_tried_and_those_that_there_are_are_used(campaign, members, capsys):
    BROKEN.add(1)
    campaign.make(JoinsMembers, accept_members=3)
    assert members() == ["member_0.json", "member_2.json", "member_3.json"]
    assert joined(campaign) == [0, 2, 3]
    assert "ZeroDivisionError: member 1 is broken" in capsys.readouterr().err


def test_accepting_more_or_other_members_makes_stale(campaign):
    BROKEN.add(1)
    campaign.make(JoinsMembers, accept_members=3)
    assert campaign.task(JoinsMembers, accept_members=3).complete()
    campaign.new_process()
    assert not campaign.task(JoinsMembers).complete()
    BROKEN.clear()
    campaign.make(MembersOfChain)
    assert not campaign.task(JoinsMembers, accept_members=3).complete()
    campaign.make(JoinsMembers, accept_members=3)
    assert joined(campaign) == [0, 1, 2, 3]


def test_with_fewer_than_are_asked_for_the_failed_members_are_named(campaign):
    BROKEN.update({0, 1, 2})
    with pytest.raises(RuntimeError, match=r"members that failed: 0, 1, 2; too many for --accept-members 2"):
        campaign.make(JoinsMembers, accept_members=2)


def test_outputs_are_complete_with_as_many_members_as_are_asked_for(campaign):
    BROKEN.add(3)
    task = campaign.make(MembersOfChain, accept_members=3)
    outputs = task.output()["collection"]
    assert (outputs.count(), outputs.exists()) == (3, True)
    assert not campaign.task(MembersOfChain).output()["collection"].exists()
    assert [target.task.branch for target in leaves(task.used_output())] == [0, 1, 2]
