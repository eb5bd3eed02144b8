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


@pytest.mark.parametrize("key", ["requirements", "universe", "container_image", "accounting_group"])
def test_what_would_begin_another_line_of_the_submit_file_is_refused(key):
    for text in ("True\nqueue 100", "True\r\nqueue", "a\x0bb", "a\x00", "a\u2028b", "a\x85b"):
        with pytest.raises(ValueError, match="a line break or control character ends the line"):
            HTCondor(**{key: text})
    with pytest.raises(ValueError, match=r"would go on with the next line after a backslash"):
        HTCondor(**{key: "True \\"})


def test_blanks_around_a_line_are_dropped_and_tabs_are_blanks():
    site = HTCondor(requirements='OpSys == "LINUX"\t&& HasX\n', extra_classads={"WantOS": ' "el9"\n'})
    assert site.requirements == 'OpSys == "LINUX" && HasX'
    assert site.extra_classads == {"WantOS": '"el9"'}


@pytest.mark.parametrize(
    ("section", "rule"),
    [
        ({"extra_commands": {"queue": "100"}}, "written from other keys, or sets what jobs run"),
        ({"extra_commands": {"Executable": "/bin/sh"}}, "written from other keys, or sets what jobs run"),
        ({"extra_commands": {"transfer_output_remaps": "x"}}, "written from other keys, or sets what jobs run"),
        ({"extra_commands": {"+Rank": "1"}}, "letters, digits and _"),
        ({"extra_commands": {"rank = 1\nqueue": "1"}}, "letters, digits and _"),
        ({"extra_commands": {"rank": "1\nqueue 5"}}, "control character ends the line"),
        ({"extra_classads": {"DeepSFKey": "1"}}, "class-ad attribute is written from other keys"),
        ({"extra_classads": {"maxruntime": "1"}}, "class-ad attribute is written from other keys"),
        ({"extra_classads": {"A = 1\nB": "1"}}, "letters, digits and _"),
        ({"runtime_class_attribute": "A B"}, "letters, digits and _"),
        ({"runtime_classes": {"work\nday": 8.0}}, "control character ends the line"),
    ],
)
def test_what_jobs_are_is_not_for_the_site_to_say(section, rule):
    with pytest.raises(ValueError, match=rule):
        HTCondor(**section)
