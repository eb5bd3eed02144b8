"""What a task may read of its configuration, and what it refuses as soon as it is asked for."""

from __future__ import annotations

import pytest

from tests.tasks.framework.chain import (
    FirstOfChain,
    ReadsUndeclared,
)


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
