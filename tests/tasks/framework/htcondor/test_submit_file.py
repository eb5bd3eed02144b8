"""What of the site's section reaches the submit file."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepsf.config import ConfigError
from deepsf.config.htcondor import Credential, HTCondor
from tasks.framework.htcondor.submit_file import each_its_own, kernel_choices, plain_path, submit_lines


def test_the_jobs_of_a_submission_have_one_value_or_each_its_own() -> None:
    assert each_its_own(["a", "a"]) == "a"
    assert each_its_own([1, 2]) == "$CHOICE(Process,1,2)"


def lines(site: HTCondor, *factors: int) -> dict[str, object]:
    return dict(submit_lines(site, "TrainDeepSF", factors or (1,)))


def test_each_job_of_a_submission_asks_for_its_own_memory() -> None:
    site = HTCondor(request_memory_mb=1500)
    assert lines(site, 1, 1)["request_memory"] == "1500 MB"
    assert lines(site, 1, 4)["request_memory"] == "$CHOICE(Process,1500,6000) MB"


def test_the_submit_file_asks_for_what_the_site_section_says_and_nothing_else() -> None:
    asked = lines(HTCondor(request_memory_mb=1500, max_runtime_hours=2.0), 2)
    assert (asked["request_cpus"], asked["request_memory"], asked["+MaxRuntime"]) == (1, "3000 MB", 7200)
    absent = {"request_gpus", "requirements", "accounting_group", "container_image", "x509userproxy", "+JobFlavour"}
    assert not absent & asked.keys()
    assert "getenv" not in asked


def test_a_task_has_its_own_requests_and_the_rest_from_the_section() -> None:
    site = HTCondor.model_validate(
        {"request_memory_mb": 1000, "tasks": {"TrainDeepSF": {"request_memory_mb": 4000, "request_gpus": 1}}}
    )
    assert (lines(site)["request_memory"], lines(site)["request_gpus"]) == ("4000 MB", 1)
    other = dict(submit_lines(site, "SkimNtuples"))
    assert other["request_memory"] == "1000 MB"
    assert "request_gpus" not in other


def test_the_shortest_run_time_class_that_suffices_is_asked_for() -> None:
    classes = {"espresso": 0.33, "workday": 8, "longlunch": 2, "tomorrow": 24}
    assert lines(HTCondor(max_runtime_hours=3.0, runtime_classes=classes))["+JobFlavour"] == '"workday"'
    with pytest.raises(ValueError, match=r"max_runtime_hours = 48 is longer than every class in runtime_classes"):
        HTCondor(max_runtime_hours=48.0, runtime_classes=classes)


def test_site_lines_and_credentials_reach_the_submit_file() -> None:
    site = HTCondor(
        universe="container",
        container_image="/images/deepsf.sif",
        accounting_group="group_btv",
        extra_classads={"WantOS": '"el9"'},
        extra_commands={"rank": "Memory"},
        credential=Credential(kind="proxy", file="/somewhere/proxy"),
    )
    asked = lines(site)
    assert asked["container_image"] == "/images/deepsf.sif"
    assert (asked["accounting_group"], asked["+WantOS"], asked["rank"]) == ("group_btv", '"el9"', "Memory")
    assert str(asked["x509userproxy"]) == "/somewhere/proxy"


@pytest.mark.parametrize("folder", ["a,b", "a;b", "$(id)", "a=b", "a`id`", 'a"b', "a\\b", "a\nb"])
def test_folders_with_a_meaning_in_submit_files_are_refused(folder) -> None:
    bad = next(character for character in folder if character in ',;$=`"\\\n')
    with pytest.raises(ConfigError) as error:
        plain_path(Path("/data") / folder, "DEEPSF_DATA")
    assert str(error.value) == (
        f"DEEPSF_DATA {f'/data/{folder}'!r}: jobs of HTCondor cannot use a path with {bad!r}; move it"
    )


def test_blanks_apostrophes_and_umlauts_are_fine() -> None:
    assert plain_path(Path("/data/it's für mich"), "DEEPSF_DATA") == "/data/it's für mich"


def test_what_chooses_kernels_goes_along_and_nothing_else_of_the_environment() -> None:
    assert kernel_choices({"PATH": "/usr/bin", "OMP_NUM_THREADS": "8"}) == ":"
    environment = {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD", "HOME": "/home/me"}
    command = kernel_choices(environment)
    assert command == "export NPY_DISABLE_CPU_FEATURES='AVX512F AVX512CD' OPENBLAS_CORETYPE=Haswell"
