"""A selection of branches of a workflow selects nothing above it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import sys, law
law.contrib.load("htcondor")
from tasks.deepsf import TrainDeepSF
from tasks.skim import SkimNtuples
for family, selection in ((TrainDeepSF, "0:1"), (SkimNtuples, "2:4")):
    some = family(version="v1", config=sys.argv[1], branches=family.branches.parse(selection))
    above = [task.branches for task in law.util.flatten(some.requires()) if hasattr(task, "branches")]
    keys = [some.jobs_key([number]) for number in range(2)]
    names = [str(task.output()) for task in some.get_branch_tasks().values()]
    whole = family(version="v1", config=sys.argv[1])
    assert some is not whole and len(some.branch_map) < len(whole.branch_map), some.branch_map
    assert above and not any(above), above
    assert keys == [whole.jobs_key([number]) for number in range(2)]
    assert names == [str(whole.as_branch(number).output()) for number in some.branch_map]
print("as the whole")
"""


@pytest.mark.parametrize("config", ["tiny.yaml"])
def test_what_branches_require_and_their_keys_do_not_depend_on_which_are_asked_for(config, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(ROOT / "tests" / "workflow" / config)],
        env={**os.environ, "DEEPSF_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "as the whole\n", done.stderr[-3000:]
