"""Batch system: requests by task, the shortest run-time class that suffices."""

import pytest

from deepsf.config.htcondor import HTCondor


def test_a_task_has_its_own_requests_and_the_others_of_the_section():
    site = HTCondor(request_memory_mb=3000, tasks={"TrainDeepSF": {"request_cpus": 2, "request_gpus": 0}})
    training, other = site.resources("TrainDeepSF"), site.resources("SkimNtuples")
    assert (training.request_cpus, training.request_memory_mb, training.request_gpus) == (2, 3000, 0)
    assert (other.request_cpus, other.request_memory_mb) == (1, 3000)
    assert None not in training.model_dump().values()


def test_the_shortest_class_that_suffices_is_asked_for():
    site = HTCondor(runtime_classes={"workday": 8.0, "espresso": 0.33, "longlunch": 2.0})
    assert [site.runtime_class(hours) for hours in (0.2, 2.0, 2.5)] == ["espresso", "longlunch", "workday"]
    assert HTCondor().runtime_class(3.0) is None


def test_a_task_longer_than_every_class_is_named():
    with pytest.raises(ValueError, match=r"tasks\.TrainDeepSF\.max_runtime_hours = 12 is longer .*at most 8"):
        HTCondor(runtime_classes={"workday": 8.0}, tasks={"TrainDeepSF": {"max_runtime_hours": 12.0}})
