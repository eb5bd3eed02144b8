"""setup.sh and scripts/environment.py, on a copy of the checkout with a stand-in environment; once on the real one."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
SHELLS = [
    "bash",
    pytest.param("zsh", marks=pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh on this machine")),
]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def stamp(checkout: Path, torch: str = "") -> str:
    files = [(checkout / name).read_text().rstrip("\n") for name in ("pyproject.toml", "constraints.txt")]
    return "\n".join([torch, str(checkout / ".software" / "venv"), *files])


@pytest.fixture
def checkout(tmp_path):
    """A checkout, a blank in its path, with an installed environment; its `law index` counts its calls."""
    base = tmp_path / "my checkout"
    (base / "tasks").mkdir(parents=True)
    (base / "tasks" / "plots.py").write_text("")
    for name in ("setup.sh", "pyproject.toml", "constraints.txt", "law.cfg", "scripts/environment.py"):
        (base / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, base / name)
    venv = base / ".software" / "venv"
    script(venv / "bin" / "python", "exit 1\n")
    script(venv / "bin" / "law", 'echo "$*" >>"$DEEPSF_BASE/law.calls"; mkdir -p "$LAW_HOME"; : >"$LAW_INDEX_FILE"\n')
    (venv / "deepsf-environment").write_text(stamp(base))
    return base


def shell(name, commands, *, cwd="/", path=SYSTEM_PATH, **env):
    """Run commands in a shell that has nothing but PATH, and not even HOME."""
    command = [shutil.which(name), *(["-f"] if name == "zsh" else []), "-c", commands]
    return subprocess.run(
        command, cwd=cwd, env={"PATH": path, **env}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", SHELLS)
def test_sets_what_law_needs_from_any_folder(checkout, name):
    done = shell(name, f'set -u; source "{checkout}/setup.sh" && env')
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    venv_bin = f"{checkout}/.software/venv/bin"
    assert variables["PATH"] == f"{venv_bin}:{SYSTEM_PATH}"
    expected = {
        "DEEPSF_BASE": f"{checkout}",
        "DEEPSF_DATA": f"{checkout}/data",
        "DEEPSF_SOFTWARE": f"{checkout}/.software",
        "DEEPSF_WORKERS": str(len(os.sched_getaffinity(0))),
        "PYTHONPATH": f"{checkout}/analysis:{checkout}",
        "LAW_HOME": f"{checkout}/.law",
        "LAW_CONFIG_FILE": f"{checkout}/law.cfg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
    }
    assert {key: variables.get(key) for key in expected} == expected


@pytest.mark.parametrize("name", SHELLS)
def test_is_found_by_a_relative_path(checkout, name):
    done = shell(name, "source ./setup.sh && echo $DEEPSF_BASE", cwd=checkout)
    assert done.stdout == f"{checkout}\n", done.stderr


@pytest.mark.parametrize("name", SHELLS)
def test_leaves_the_shell_as_it_was(checkout, name):
    state = "set +o; alias; typeset -f; [ -z ${BASH_VERSION:-} ] || shopt -p"
    done = shell(
        name,
        f'state() {{ {state}; }}; set -eu; IFS=:; before="$(state)"; source "{checkout}/setup.sh"; after="$(state)"\n'
        '[ "$before" = "$after" ] && [ "$IFS" = : ] && echo same; set',
    )
    assert done.stdout.startswith("same\n"), done.stdout + done.stderr
    names = {line.split("=")[0] for line in done.stdout.splitlines() if "deepsf" in line.split("=")[0].lower()}
    assert names == {"DEEPSF_BASE", "DEEPSF_DATA", "DEEPSF_SOFTWARE", "DEEPSF_WORKERS"}


@pytest.mark.parametrize("name", SHELLS)
def test_a_second_call_starts_neither_python_nor_law_and_keeps_the_path(checkout, name, tmp_path):
    script(tmp_path / "bin" / "python3", f'echo "$*" >>"{tmp_path}/python.calls"\n')
    done = shell(
        name,
        f'source "{checkout}/setup.sh" && first=$PATH && source "{checkout}/setup.sh" && [ "$PATH" = "$first" ]',
        path=f"{tmp_path}/bin:{SYSTEM_PATH}",
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "python.calls").exists()
    assert (checkout / "law.calls").read_text() == "index -q\n"


def test_a_changed_task_is_indexed_again(checkout):
    source = f'source "{checkout}/setup.sh"'
    shell("bash", source)
    later = (checkout / ".law" / "index").stat().st_mtime + 10
    os.utime(checkout / "tasks" / "plots.py", (later, later))
    shell("bash", source)
    assert (checkout / "law.calls").read_text() == "index -q\n" * 2


def test_tasks_that_cannot_be_indexed_are_an_error_each_time(checkout):
    script(checkout / ".software" / "venv" / "bin" / "law", "exit 2\n")
    for _ in range(2):
        done = shell("bash", f'source "{checkout}/setup.sh"; echo "alive, $?"')
        assert done.stdout == "alive, 1\n"
        assert "the tasks cannot be indexed" in done.stderr
    assert not (checkout / ".law").exists()


def test_folders_and_workers_are_the_users_choice(checkout):
    venv = checkout / ".software" / "venv"
    venv.parent.rename(checkout.parent / "software")
    (checkout.parent / "software" / "venv" / "deepsf-environment").write_text(
        stamp(checkout).replace(str(venv), str(checkout.parent / "software" / "venv"))
    )
    done = shell(
        "bash",
        'source "my checkout/setup.sh" && echo "$DEEPSF_DATA|$DEEPSF_SOFTWARE|$DEEPSF_WORKERS"',
        cwd=checkout.parent,
        DEEPSF_DATA="out/",
        DEEPSF_SOFTWARE=str(checkout.parent / "software"),
        DEEPSF_WORKERS="7",
    )
    assert done.stdout == f"{checkout.parent}/out|{checkout.parent}/software|7\n", done.stderr


@pytest.mark.parametrize("workers", ["0", "two", "1.5", "-1"])
def test_workers_must_be_a_number(checkout, workers):
    done = shell("bash", f'source "{checkout}/setup.sh"; echo "alive, $?"', DEEPSF_WORKERS=workers)
    assert done.stdout == "alive, 1\n"
    assert f"DEEPSF_WORKERS must be a whole number above 0, got '{workers}'" in done.stderr


def test_a_second_checkout_in_the_same_shell_gets_its_own_folders(checkout):
    other = checkout.parent / "other"
    shutil.copytree(checkout, other)
    (other / ".software" / "venv" / "deepsf-environment").write_text(stamp(other))
    done = shell(
        "bash", f'source "{checkout}/setup.sh"; source "{other}/setup.sh"; echo "$DEEPSF_DATA $DEEPSF_SOFTWARE"'
    )
    assert done.stdout == f"{other}/data {other}/.software\n", done.stderr


@pytest.mark.parametrize("name", SHELLS)
def test_a_python_that_is_too_old_is_named(checkout, tmp_path, name):
    shutil.rmtree(checkout / ".software")
    script(tmp_path / "old" / "python3", "echo 3.9\n")
    done = shell(name, f'source "{checkout}/setup.sh"; echo "alive, $?"', path=str(tmp_path / "old"))
    assert done.stdout == "alive, 1\n"
    assert "needs Python >= 3.11, found python3 is 3.9" in done.stderr
    assert "install a newer one, or put its folder first in PATH" in done.stderr


def test_no_python_at_all_is_an_error(checkout, tmp_path):
    shutil.rmtree(checkout / ".software")
    done = shell("bash", f'source "{checkout}/setup.sh"', path=str(tmp_path))
    assert done.returncode == 1
    assert "found no python3 at all" in done.stderr


def test_the_first_python_that_is_new_enough_installs(checkout, tmp_path):
    shutil.rmtree(checkout / ".software")
    script(tmp_path / "bin" / "python3", "echo 3.9\n")
    script(tmp_path / "bin" / "python3.12", f'[ "$1" = -c ] && echo 3.12 || echo "$@" >"{tmp_path}/called"; exit 0\n')
    shell("bash", f'source "{checkout}/setup.sh"', path=str(tmp_path / "bin"))
    assert (tmp_path / "called").read_text() == f"{checkout}/scripts/environment.py {checkout}/.software/venv\n"


@pytest.mark.parametrize(
    ("switch", "first_line"), [({}, "torch==2.9.1"), ({"DEEPSF_TORCH": "torch==2.10.0 --pre"}, "torch==2.10.0 --pre")]
)
def test_a_torch_chosen_once_is_kept_by_shells_that_choose_none(checkout, tmp_path, switch, first_line):
    (checkout / ".software" / "venv" / "deepsf-environment").write_text(stamp(checkout, "torch==2.9.1"))
    script(tmp_path / "bin" / "python3", f'[ "$1" = -c ] && echo 3.11 || cat >"{tmp_path}/wanted"\n')
    path = f"{tmp_path}/bin:{SYSTEM_PATH}"
    shell("bash", f'source "{checkout}/setup.sh"', path=path, **switch)
    assert (tmp_path / "wanted").exists() == bool(switch)
    (checkout / "constraints.txt").write_text("numpy==2.0.0\n")
    shell("bash", f'source "{checkout}/setup.sh"', path=path, **switch)
    assert (tmp_path / "wanted").read_text() == stamp(checkout, first_line)


@pytest.mark.parametrize("name", ["sh", *SHELLS])
def test_running_instead_of_sourcing_says_so(checkout, name):
    done = shell(name, f'{shutil.which(name)} "{checkout}/setup.sh"')
    assert done.returncode == 1
    assert "needs bash or zsh" in done.stderr or "source setup.sh" in done.stderr


@pytest.fixture
def environment(checkout, monkeypatch):
    """The installer of the copied checkout, with commands that are recorded instead of run."""
    spec = importlib.util.spec_from_file_location("deepsf_environment", checkout / "scripts" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.calls = []

    def run(command, log):
        log.open("a").close()
        module.calls.append(command[1:])
        if command[1:3] == ["-m", "venv"]:
            script(Path(command[3]) / "bin" / "python", "")

    monkeypatch.setattr(module, "run", run)
    return module


def test_all_extras_are_installed_and_the_checkout_itself_is_not(environment):
    names = {re.split(r"[<>=\[]", wanted)[0] for wanted in environment.requirements()}
    assert {"numpy", "correctionlib", "torch", "onnxruntime", "law", "pytest"} <= names
    assert "deepsf" not in names


def test_an_interrupted_installation_starts_over(checkout, environment):
    venv = checkout / ".software" / "venv"
    (venv / "half a package").touch()
    (venv / environment.STAMP).write_text("")
    environment.make(venv, stamp(checkout))
    assert not (venv / "half a package").exists()
    assert environment.calls[0] == ["-m", "venv", str(venv)]
    assert (venv / environment.STAMP).read_text() == stamp(checkout)


def test_new_pins_update_the_environment_in_place(checkout, environment):
    venv = checkout / ".software" / "venv"
    (venv / "package").touch()
    (checkout / "constraints.txt").write_text("numpy==2.0.0\n")
    environment.make(venv, stamp(checkout))
    assert (venv / "package").exists()
    assert [command[1] for command in environment.calls] == ["pip", "pip"]
    assert (venv / environment.STAMP).read_text() == stamp(checkout)


def test_a_failing_step_leaves_an_environment_that_counts_as_interrupted(checkout, environment, monkeypatch):
    def fail(*_):
        raise environment.InstallError("no network")

    monkeypatch.setattr(environment, "run", fail)
    (checkout / "constraints.txt").write_text("numpy==2.0.0\n")
    with pytest.raises(environment.InstallError, match="no network"):
        environment.make(checkout / ".software" / "venv", stamp(checkout))
    assert (checkout / ".software" / "venv" / environment.STAMP).read_text() == ""


def test_another_torch_makes_a_new_environment_without_the_pin(checkout, environment):
    venv = checkout / ".software" / "venv"
    environment.make(venv, stamp(checkout, "torch==2.9.1 --pre"))
    pins = (venv / "constraints.txt").read_text().splitlines()
    assert not [pin for pin in pins if pin.startswith("torch==")]
    assert [pin for pin in pins if pin.startswith("numpy==")]
    # venv, pip, torch, everything else
    assert [command[1] for command in environment.calls] == ["venv", "pip", "pip", "pip"]
    assert environment.calls[2][-2:] == ["torch==2.9.1", "--pre"]


def test_an_environment_of_someone_else_is_refused(checkout, environment):
    venv = checkout / ".software" / "venv"
    (venv / environment.STAMP).unlink()
    with pytest.raises(environment.InstallError, match=r"was not made by setup\.sh; remove it, or set another DEEPSF"):
        environment.make(venv, stamp(checkout))
    assert (venv / "bin" / "law").exists()


def test_scripts_start_from_a_path_with_a_blank(checkout, environment):
    venv = checkout / ".software" / "venv"
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(sys.executable)
    brought = script(venv / "bin" / "brought", "")
    brought.write_text(f"#!{venv}/bin/python\nimport sys\n\nprint(sys.argv[1:])\n")
    environment.repair_scripts(venv)
    done = subprocess.run([brought, "a b", "$c"], capture_output=True, text=True, check=False)
    assert done.stdout == "['a b', '$c']\n", done.stderr


def test_a_failing_command_shows_its_last_words_and_the_way_out(checkout, tmp_path):
    spec = importlib.util.spec_from_file_location("deepsf_environment", checkout / "scripts" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(module.InstallError, match=r"(?s)No space left.*install\.log.*source setup\.sh again"):
        module.run(["sh", "-c", "echo No space left; exit 3"], tmp_path / "install.log")


def test_a_second_shell_waits_for_the_first(checkout):
    software = checkout / ".software"
    command = [sys.executable, str(checkout / "scripts" / "environment.py"), str(software / "venv")]
    with (software / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        second.stdin.write(stamp(checkout))
        second.stdin.close()
        assert "another shell installs" in second.stderr.readline()
        assert second.poll() is None
    # the first has installed what the second wants: nothing is left to do
    assert second.wait(timeout=20) == 0
    second.stderr.close()


def test_the_real_environment_has_everything_without_a_home():
    software = os.environ.get("DEEPSF_SOFTWARE")
    if not software:
        pytest.skip("pytest does not run in a shell that sourced setup.sh (DEEPSF_SOFTWARE is not set)")
    modules = "awkward, correctionlib, hist, law, luigi, mplhep, numba, pyarrow, pydantic, safetensors, torch, uproot"
    done = shell(
        "bash",
        f'source "{ROOT}/setup.sh" && law --version && python -c "import {modules}; print(torch.get_num_threads())"',
        DEEPSF_SOFTWARE=software,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1"
    assert "installing" not in done.stderr
