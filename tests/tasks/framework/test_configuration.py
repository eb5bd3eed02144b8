"""What a task may read of its configuration, and what is said of keys that are undeclared or absent."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.framework import settings
from tasks.framework.configuration import covers, plain_value_of, value_of
from tests.tasks.framework.chain import FirstOfChain, ReadsUndeclared


@pytest.fixture
def toy():
    return settings.config("toy_small")


@pytest.fixture
def of_efficiencies():
    return settings.config("efficiency_small")


def test_keys_lead_through_sections_and_mappings(toy):
    assert value_of(toy, "training.layers") == 3
    assert value_of(toy, "samples.ttbar.kind") == "simulation"
    assert value_of(toy, "training") is toy.training


def test_plain_values_are_those_of_json_and_made_once(toy):
    flavours = plain_value_of(toy, "flavours")
    assert flavours["b"]["hadron_flavours"] == [5]
    assert plain_value_of(toy, "flavours") is flavours
    assert plain_value_of(toy, "selection.jet_columns") == {}
    assert plain_value_of(toy, "training.layers") == 3


def test_plain_values_belong_to_their_configuration(toy):
    other = toy.model_copy(update={"training": toy.training.model_copy(update={"layers": 7})})
    assert (plain_value_of(toy, "training.layers"), plain_value_of(other, "training.layers")) == (3, 7)


def test_what_a_configuration_has_not_is_told_with_what_kind_it_is(toy, of_efficiencies):
    with pytest.raises(ConfigError, match=r"no efficiency\.toy: it is one without efficiencies; choose another with"):
        value_of(toy, "efficiency.toy")
    with pytest.raises(ConfigError, match="no ensemble: it is one of efficiencies alone; choose another"):
        value_of(of_efficiencies, "ensemble")


@pytest.mark.parametrize(
    ("key", "is_covered"),
    [("a", True), ("a.b", True), ("a.b.c", True), ("c.d", True), ("c.d.e", True), ("c", False), ("ab", False)],
)
def test_a_key_covers_all_below_it_and_nothing_beside(key, is_covered):
    assert covers(("a", "c.d"), key) == is_covered


# --- tasks


def test_an_undeclared_read_is_an_error_that_names_task_and_key(campaign):
    with pytest.raises(KeyError, match=r"ReadsUndeclared reads 'training\.units', which is not in its config_keys"):
        campaign.make(ReadsUndeclared)


@pytest.mark.parametrize("key", ["training", "training.layers_of_another", "trainin", "ensemble"])
def test_a_declared_key_opens_nothing_beside_and_above_it(campaign, key):
    with pytest.raises(KeyError, match="not in its config_keys"):
        campaign.task(ReadsUndeclared).cfg(key)


def test_a_declared_section_opens_what_is_in_it(campaign):
    task = campaign.task(FirstOfChain)
    assert task.cfg("training").layers == task.cfg("training.layers") == 3
    assert task.cfg("training.inputs.pt.transform") == "log"


def test_an_unusable_configuration_is_refused_as_soon_as_a_task_is_asked_for(campaign):
    with pytest.raises(ConfigError, match="--config toi: no such file in configs/"):
        FirstOfChain(version="v1", config="toi")


@pytest.mark.parametrize("version", ["../x", "v1/tiny", "a b", ".", "..", "-v", "$(x)", "v1;rm", "jobs", "v" * 101])
def test_a_version_is_the_name_of_one_folder(campaign, version):
    with pytest.raises(ConfigError, match=r"^--version '.*': .*; choose another$"):
        campaign.task(FirstOfChain, version=version)
