"""Cost of the workflow: nothing to do, a batch job, and planning, against the same graph in plain law.

`python benchmarks/workflow.py [--json FILE] [--only PART]` after `source setup.sh`. Outputs are placeholders of a few
bytes with the manifests of the project's own functions; `benchmarks/plain_law.py` has the same tasks, requirements,
branches and files, and takes what exists for complete. Whole processes are measured, in turn, so that other work on the
machine slows all of them alike. Ratios are of the CPU time of a process and its children, medians over the rounds.

noop_over_plain_law          `law run ProduceDeepSFEnsemble` with nothing to do, over plain law that asks whether every
                             output of the graph exists; the worse of the two sizes
noop_25_s, noop_1000_s       wall time of that with 25 and 1000 members
noop_25_over_top_alone, ...  the same over plain law that looks at the last task's file and at nothing else
job_overhead_over_plain_law  a job without work on a real HTCondor pool, from its start to its end; null where there is
                             no pool, with the reason in ``no_pool``
plan_10000_s                 wall time of planning 10,000 skims for the batch system, with the exponent of its growth
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import law
import uproot
import yaml

from tasks.framework.base import ConfigTask
from tasks.framework.machine import made_on
from tasks.framework.provenance import write_manifest
from tasks.framework.targets import ProvenanceTarget, leaves
from tasks.produce import ProduceDeepSFEnsemble
from tasks.skim import SkimNtuples

ROOT = Path(__file__).resolve().parents[1]
TOP = "ProduceDeepSFEnsemble"
ROUNDS = {25: 7, 1000: 3}  # of each number of members
PLANNED, PLAN_ROUNDS = (2500, 5000, 10000), 3
N_JOBS, JOB_ROUNDS = 6, 2


class Spent(NamedTuple):
    """What a process and its children took."""

    wall_s: float
    cpu_s: float
    peak_rss_mb: int


# a small process in between, since the memory of the parent counts in the peak of what it starts
_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
wall, usage = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode != 0:
    sys.exit(done.stdout[-3000:])
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024]))
"""


def run(command: list[str], env: Mapping[str, str]) -> Spent:
    """Run a command to its end, which must be a good one."""
    measured = [sys.executable, "-I", "-S", "-c", _MEASURE, *command]
    done = subprocess.run(measured, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return Spent(*json.loads(done.stdout))


# --- the same graph twice


class Side(NamedTuple):
    """One of the two workflows: its environment, and where its configurations and outputs lie."""

    env: dict[str, str]
    folder: Path

    def command(self, task: str, stem: str, *options: str) -> list[str]:
        """Return the command that runs a task with one of the configurations."""
        return ["law", "run", task, "--version", "v1", "--config", str(self.folder / f"{stem}.yaml"), *options]

    def outputs(self, stem: str) -> set[str]:
        """Return the paths of all outputs of the graph, relative to the folder of the version."""
        command = self.command(TOP, stem, "--print-output", "-1")
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        lines = (line.strip() for line in done.stdout.splitlines())
        places = (line.removeprefix("file://") for line in lines if line.startswith("file://"))
        return {str(Path(place).relative_to(self.folder / "data" / "v1")) for place in places}


def our_side(folder: Path) -> Side:
    folder.mkdir()
    return Side({**os.environ, "DEEPSF_DATA": str(folder / "data")}, folder)


def plain_side(folder: Path) -> Side:
    """Return plain law's side, with a law of its own set-up."""
    folder.mkdir()
    settings = (ROOT / "law.cfg").read_text().split("[logging]")[1]
    (folder / "law.cfg").write_text(f"[modules]\nplain_law\n\n[logging]{settings}")
    variables = {
        "PYTHONPATH": str(ROOT / "benchmarks"),
        "LAW_HOME": str(folder / "law"),
        "LAW_CONFIG_FILE": str(folder / "law.cfg"),
        "DEEPSF_DATA": str(folder / "data"),  # law.cfg has it
        "PLAIN_DATA": str(folder / "data"),
        "PLAIN_GRAPH": str(folder / "graph.yaml"),
        "PLAIN_BOOTSTRAP": str(folder / "bootstrap.sh"),
    }
    kept = {name: os.environ[name] for name in ("PATH", "DEEPSF_WORKERS", "HOME") if name in os.environ}
    lines = [f'export {name}="{value}"' for name, value in (kept | variables).items()]
    (folder / "bootstrap.sh").write_text("\n".join(["#!/bin/bash", *lines, ""]))
    side = Side({**os.environ, **variables}, folder)
    (folder / "graph.yaml").write_text(yaml.safe_dump(graph()))
    run(["law", "index", "-q"], side.env)
    return side


def graph() -> dict[str, Any]:
    """Return what each task that is no workflow requires and writes."""
    found: dict[str, Any] = {}
    for task, required, _ in ProduceDeepSFEnsemble(version="v1", config="toy").walk_deps():
        if not isinstance(task, law.BaseWorkflow):
            files = [str(target.file.relative_to(task.folder())) for target in leaves(task.output())]
            found[task.task_family] = {"requires": [other.task_family for other in required], "files": files}
    return found


def fill(ours: Side, plain: Side, n_members: int) -> str:
    """Write configuration and placeholders of all outputs on both sides; return the configuration's name."""
    stem = f"members_{n_members}"
    tree = {"extends": str(ROOT / "configs" / "toy.yaml"), "ensemble": {"n_members": n_members}}
    (ours.folder / f"{stem}.yaml").write_text(yaml.safe_dump(tree))
    os.environ["DEEPSF_DATA"] = ours.env["DEEPSF_DATA"]
    top = ProduceDeepSFEnsemble(version="v1", config=str(ours.folder / f"{stem}.yaml"))
    seal(top, set())
    made = ours.folder / "data" / "v1" / stem
    for path in (path for path in made.rglob("*") if path.is_file() and not path.name.startswith(".")):
        place = plain.folder / "data" / "v1" / path.relative_to(made.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    skims = SkimNtuples.req(top).branch_map.values()
    campaign = {
        "ntuples": [skim.path.stem for skim in skims],
        "skims": [[skim.sample, skim.path.stem] for skim in skims],
        "n_members": n_members,
    }
    (plain.folder / f"{stem}.yaml").write_text(yaml.safe_dump(campaign))
    different = ours.outputs(stem) ^ plain.outputs(stem)
    if different:
        raise AssertionError(f"the two graphs differ in {sorted(different)[:5]}; correct benchmarks/plain_law.py")
    return stem


def seal(task: ConfigTask, done: set[str]) -> None:
    """Write placeholders with valid manifests for the outputs of a task and all that it requires."""
    if task.task_id in done:
        return
    done.add(task.task_id)
    for required in law.util.flatten(task.requires()):
        seal(required, done)
    branches = task.get_branch_tasks().values() if isinstance(task, law.BaseWorkflow) else [task]
    for branch in branches:
        inputs = branch.inputs_now()
        for target in leaves(branch.output()):
            placeholder(target)
            write_manifest(target.file, branch.task_family, inputs)


def placeholder(target: ProvenanceTarget) -> None:
    target.file.parent.mkdir(parents=True, exist_ok=True)
    if target.file.suffix == ".root":
        with uproot.recreate(target.file) as file:
            file["Events"] = {"x": [1.0]}
    else:
        target.file.write_text(f'"{target.file.name}"')


# --- nothing to do


def noop(ours: Side, plain: Side) -> dict[str, float | int]:
    figures: dict[str, float | int] = {}
    for n_members, rounds in ROUNDS.items():
        stem = fill(ours, plain, n_members)
        alone = plain._replace(env=plain.env | {"PLAIN_TOP_ALONE": "1"})
        spent: dict[str, list[Spent]] = {"ours": [], "plain_law": [], "top_alone": []}
        for _ in range(rounds):
            for name, side in zip(spent, (ours, plain, alone), strict=True):
                spent[name].append(run(side.command(TOP, stem), side.env))
        for name in ("plain_law", "top_alone"):
            ratios = [mine.cpu_s / other.cpu_s for mine, other in zip(spent["ours"], spent[name], strict=True)]
            figures[f"noop_{n_members}_over_{name}"] = round(statistics.median(ratios), 3)
        figures[f"noop_{n_members}_s"] = round(statistics.median(s.wall_s for s in spent["ours"]), 2)
        figures[f"noop_{n_members}_cpu_s"] = round(statistics.median(s.cpu_s for s in spent["ours"]), 2)
        figures[f"noop_{n_members}_plain_law_s"] = round(statistics.median(s.wall_s for s in spent["plain_law"]), 2)
        figures[f"noop_{n_members}_peak_rss_mb"] = max(s.peak_rss_mb for s in spent["ours"])
    worst = max(figures[f"noop_{n_members}_over_plain_law"] for n_members in ROUNDS)
    return {"noop_over_plain_law": worst, **figures}


# --- planning


def plan(ours: Side) -> dict[str, float | int]:
    """Plan skims of many files for the batch system: what `--print-status` needs, with bookkeeping of jobs."""
    spent: dict[int, list[Spent]] = {n_files: [] for n_files in PLANNED}
    for n_files in PLANNED:
        files = ours.folder / f"{n_files}_files"
        files.mkdir()
        for number in range(n_files):
            (files / f"{number:05d}.root").touch()
        samples = {
            "ttbar": {"kind": "simulation", "cross_section_pb": 90.0, "files": [f"{files}/*[02468].root"]},
            "data": {"kind": "data", "files": [f"{files}/*[13579].root"]},
        }
        write_file_campaign(ours, f"files_{n_files}", samples)
    for _ in range(PLAN_ROUNDS):
        for n_files, rounds in spent.items():
            shutil.rmtree(ours.folder / "data", ignore_errors=True)  # digests of the files
            command = ours.command("SkimNtuples", f"files_{n_files}", "--workflow", "htcondor", "--print-status", "0")
            rounds.append(run(command, ours.env))
    fastest = {n_files: min(rounds, key=lambda spent: spent.cpu_s) for n_files, rounds in spent.items()}
    few, some, last = PLANNED  # each twice the one before: the cost of the start drops out of the differences
    growth = (fastest[last].cpu_s - fastest[some].cpu_s) / (fastest[some].cpu_s - fastest[few].cpu_s)
    return {
        f"plan_{last}_s": round(fastest[last].wall_s, 1),
        "plan_exponent": round(math.log2(growth), 3),
        **{f"plan_{n_files}_cpu_s": round(s.cpu_s, 2) for n_files, s in fastest.items()},
        **{f"plan_{n_files}_peak_rss_mb": s.peak_rss_mb for n_files, s in fastest.items()},
        "plan_kb_per_branch": round(1024 * (fastest[last].peak_rss_mb - fastest[few].peak_rss_mb) / (last - few), 1),
    }


def write_file_campaign(ours: Side, stem: str, samples: dict[str, Any]) -> None:
    """Write the toy's configuration with files instead of generated input."""
    tree = yaml.safe_load((ROOT / "configs" / "toy.yaml").read_text())
    del tree["generator"]
    tree["samples"] = samples
    (ours.folder / f"{stem}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


# --- jobs


# what HTCondor starts every job through: a line with wall, user and system time
_TIMED = """#!/bin/bash
TIMEFORMAT="%R %U %S"
{{ time "$@" 2>&4; }} 4>&2 2>>"{file}"
"""


@contextmanager
def pool(folder: Path, times: Path) -> Iterator[dict[str, str]]:
    """Start an HTCondor pool of two slots that writes the time of each job to a file; yield its environment."""
    scripts = ROOT / "scripts" / "htcondor"
    variables = {
        "HTCONDOR_PREFIX": str(Path(os.environ["DEEPSF_SOFTWARE"]) / "htcondor"),
        "HTCONDOR_POOL": str(folder),
        "HTCONDOR_SLOTS": "2",
    }
    env = {**os.environ, **variables}
    run([str(scripts / "install.sh"), variables["HTCONDOR_PREFIX"]], env)
    folder.mkdir()
    wrapper = folder.with_name("job_wrapper")
    wrapper.write_text(_TIMED.format(file=times))
    wrapper.chmod(0o755)
    (folder / "local.conf").write_text(f"USER_JOB_WRAPPER = {wrapper}\n")
    try:
        run([str(scripts / "pool.sh"), "start"], env)
        yield variables
    finally:
        subprocess.run([scripts / "pool.sh", "stop"], env=env, capture_output=True, check=False)


def jobs(ours: Side, plain: Side, folder: Path) -> dict[str, Any]:
    """Return what jobs without work take, over those of plain law."""
    stem, times = fill(ours, plain, N_JOBS), folder.with_name("job_times")
    spent: dict[str, list[Spent]] = {"ours": [], "plain": []}
    variants = (("ours", ours, "benchmarks.noop_jobs.NoopMembers"), ("plain", plain, "TrainDeepSF"))
    in_pool = [str(ROOT / "scripts" / "htcondor" / "pool.sh"), "run"]
    try:
        with pool(folder, times) as variables:
            for _ in range(JOB_ROUNDS):
                for name, side, task in variants:
                    place = side.folder / "data" / "v1" / stem / task.rpartition(".")[2]
                    shutil.rmtree(place, ignore_errors=True)
                    times.write_text("")
                    options = ("--workflow", "htcondor", "--poll-interval", "2sec")
                    run([*in_pool, *side.command(task, stem, *options)], side.env | variables)
                    spent[name] += job_times(times, list(place.glob("member_*.safetensors")))
    except (RuntimeError, OSError) as error:
        return {"job_overhead_over_plain_law": None, "no_pool": str(error)[-500:]}
    mine, other = (statistics.median(job.cpu_s for job in spent[name]) for name in ("ours", "plain"))
    return {
        "job_overhead_over_plain_law": round(mine / other, 3),
        "job_s": round(statistics.median(job.wall_s for job in spent["ours"]), 2),
        "job_cpu_s": round(mine, 2),
        "plain_law_job_s": round(statistics.median(job.wall_s for job in spent["plain"]), 2),
        "n_jobs": len(spent["ours"]),
    }


def job_times(times: Path, made: list[Path]) -> list[Spent]:
    """Return what each job took; each must have made its output."""
    lines = [line.split() for line in times.read_text().splitlines()]
    if not len(lines) == len(made) == N_JOBS:
        raise AssertionError(f"{N_JOBS} jobs, of which {len(lines)} were timed, made {len(made)} outputs")
    return [Spent(float(wall), float(user) + float(system), 0) for wall, user, system in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--only", choices=["noop", "jobs", "plan"], action="append", help="leave out all other parts")
    arguments = parser.parse_args()
    parts = arguments.only or ["noop", "jobs", "plan"]
    # not below a long TMPDIR: the pool's sockets need a short path
    with tempfile.TemporaryDirectory(prefix="deepsf-", dir="/tmp") as name:
        ours, plain = our_side(Path(name) / "ours"), plain_side(Path(name) / "plain")
        figures = dict(made_on())
        if "noop" in parts:
            figures |= noop(ours, plain)
        if "jobs" in parts:
            figures |= jobs(ours, plain, Path(name) / "pool")
        if "plan" in parts:
            figures |= plan(ours)
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
