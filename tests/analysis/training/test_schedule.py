"""Steps and learning rates of both schedules, counted by hand."""

from __future__ import annotations

import pytest

from deepsf.config.training import Training
from deepsf.training.schedule import Schedule, rate_factor

SETTINGS = Training(
    batch_size=200, warmup_passes=0.5, passes=2.5, last_steps=4, learning_rate_warmup=0.2, learning_rate_final=0.1
)


def test_a_pass_of_the_interleaved_schedule_sees_all_data_once():
    # 1000 entries in half batches of 100: ten steps a pass
    schedule = Schedule.of(SETTINGS, n_data=1000)
    assert schedule == (5, 25, 10, 4)
    assert schedule.n_steps == 34
    assert [schedule.is_warmup(step) for step in (0, 4, 5, 29)] == [True, True, False, False]
    assert [step for step in range(34) if schedule.ends_pass(step)] == [14, 24, 29, 33]


def test_fewer_data_than_a_batch_are_a_pass_of_one_step():
    assert Schedule.of(SETTINGS, n_data=7) == (1, 3, 1, 4)


def test_the_alternating_schedule_has_no_warmup_and_twenty_passes():
    settings = SETTINGS.model_copy(update={"schedule": "alternating", "scale_factor_steps": 41})
    schedule = Schedule.of(settings, n_data=1000)
    assert schedule == (0, 41, 2, 4)
    assert [step for step in range(45) if schedule.ends_pass(step)] == [*range(1, 40, 2), 40, 44]


def test_scale_factors_are_alone_in_the_last_steps_with_a_rate_of_their_own():
    schedule = Schedule(60, 100, 10, 20)
    assert [step for step in range(180) if schedule.is_last(step)] == list(range(160, 180))
    assert [step for step in range(180) if schedule.begins_last(step)] == [160]
    last = [schedule.rate_factor(step, SETTINGS) for step in range(160, 180)]
    assert last == [rate_factor(step, 20, 0.2, 0.002) for step in range(20)]


def test_a_schedule_without_last_steps_ends_with_all_networks():
    schedule = Schedule(5, 25, 10)
    assert schedule.n_steps == 30
    assert not any(schedule.is_last(step) for step in range(30))
    assert [step for step in range(30) if schedule.ends_pass(step)] == [14, 24, 29]


def test_discriminators_alone_rise_within_fifty_steps_and_stay():
    schedule = Schedule(60, 100, 10)
    rates = [schedule.rate_factor(step, SETTINGS) for step in range(60)]
    assert rates == pytest.approx([min(1.0, (step + 1) / 50) for step in range(60)])


def test_all_networks_rise_and_fall_as_if_their_steps_were_the_first():
    schedule = Schedule(60, 100, 10)
    joint = [schedule.rate_factor(step, SETTINGS) for step in range(60, 160)]
    assert joint == [rate_factor(step, 100, 0.2, 0.1) for step in range(100)]


def test_the_rate_rises_in_a_line_and_falls_as_a_cosine():
    rates = [rate_factor(step, 100, 0.2, 0.1) for step in range(101)]
    assert rates[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert rates[20] == 1.0
    # a third of the way down cos = 1/2: 0.1 + 0.9 x 3/4; half of the way: 0.1 + 0.9 / 2
    assert rates[60] == pytest.approx(0.55)
    assert rate_factor(40, 80, 0.25, 0.1) == pytest.approx(0.1 + 0.9 * 0.75)
    assert rates[100] == pytest.approx(0.1)


def test_a_schedule_without_a_rise_begins_at_the_highest_rate():
    assert rate_factor(0, 10, 0.0, 0.1) == 1.0
    assert rate_factor(0, 1, 0.5, 0.1) == 1.0
