"""The file that holds the state of a training: nothing but what was saved comes back, whatever happened to it."""

from __future__ import annotations

import math
import os
import resource
import signal

import pytest
import torch
from safetensors.torch import save_file

from deepsf.training.checkpoint import Checkpoint, State


def state(number=1.0, **numbers):
    """A state as a training's: tensors of several types, one of them a scalar, and plain numbers."""
    tensors = {
        "weight": torch.full((3, 2), number),
        "moment": torch.tensor(number, dtype=torch.float64),
        "generator": torch.arange(16, dtype=torch.uint8),
    }
    return State(tensors, {"step": int(number), "seen": [{"loss": 0.1 + 0.2}], **numbers})


@pytest.fixture
def told():
    return []


@pytest.fixture
def checkpoint(tmp_path, told):
    return Checkpoint(tmp_path / "member" / ".checkpoint_3.safetensors", "key", 0.0, told.append)


def assert_loads(checkpoint, expected):
    loaded = checkpoint.load(like=expected)
    assert loaded.numbers == expected.numbers
    assert loaded.tensors.keys() == expected.tensors.keys()
    for name, tensor in expected.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        assert torch.equal(loaded.tensors[name], tensor)


def test_what_was_saved_last_comes_back_with_every_bit(checkpoint, told):
    assert checkpoint.load(like=state()) is None
    for number in (1.0, 2.0):
        checkpoint.save(state(number, history={"loss": [math.pi, 5e-324, math.inf]}))
    assert_loads(checkpoint, state(2.0, history={"loss": [math.pi, 5e-324, math.inf]}))
    assert told == []
    checkpoint.remove()
    assert checkpoint.load(like=state()) is None
    assert list(checkpoint.path.parent.iterdir()) == []


def test_it_is_due_when_its_time_has_passed(checkpoint):
    assert checkpoint.due()
    checkpoint.every_s = math.inf
    assert not checkpoint.due()


def test_no_flipped_bit_and_no_missing_byte_goes_unnoticed(checkpoint, told):
    checkpoint.save(state())
    content = checkpoint.path.read_bytes()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        checkpoint.path.write_bytes(flipped)
        assert checkpoint.load(like=state()) is None, position
    for length in range(0, len(content), 7):
        checkpoint.path.write_bytes(content[:length])
        assert checkpoint.load(like=state()) is None, length
    assert len(told) == len(content) + math.ceil(len(content) / 7)
    checkpoint.path.write_bytes(content)
    assert_loads(checkpoint, state())


def write_foreign(path):
    save_file({"weight": torch.ones(3, 2)}, path, metadata={"deepsf": "{}"})


def test_a_file_of_something_else_is_told_and_not_used(checkpoint, told):
    checkpoint.path.parent.mkdir()
    for make in (
        lambda path: path.write_text("a note\nof two lines"),
        write_foreign,
        lambda path: (path.unlink(), path.mkdir()),
    ):
        make(checkpoint.path)
        assert checkpoint.load(like=state()) is None
        line = told.pop()
        assert line.startswith("begins anew, .checkpoint_3.safetensors is of no use: ")
        assert "\n" not in line


def test_a_state_of_other_inputs_or_of_other_networks_is_not_used(checkpoint, told):
    checkpoint.save(state())
    Checkpoint(checkpoint.path, "another key", 0.0, told.append).load(like=state())
    assert told.pop().endswith("it was made from other inputs")
    wider = state()
    wider.tensors["weight"] = torch.ones(3, 4)
    halves = state()
    halves.tensors["weight"] = torch.ones(3, 2, dtype=torch.bfloat16)
    for like in (wider, halves, State(state().tensors | {"bias": torch.ones(1)}, {}), state(best=0.5)):
        assert checkpoint.load(like=like) is None
        assert "another version of the code" in told.pop()


# --- a save that does not come to its end


def die_half_written():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))


def die_before_the_rename():
    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("prepare", "by", "left"), [(die_half_written, signal.SIGXFSZ, 200), (die_before_the_rename, signal.SIGKILL, None)]
)
def test_a_kill_while_saving_leaves_the_state_of_before(checkpoint, told, prepare, by, left):
    checkpoint.save(state(1.0))
    child = os.fork()
    if child == 0:
        try:
            prepare()
            checkpoint.save(state(2.0))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == by
    part = checkpoint.path.with_name(f"{checkpoint.path.name}.part")
    assert part.stat().st_size == (left or checkpoint.path.stat().st_size)
    assert_loads(checkpoint, state(1.0))

    checkpoint.save(state(3.0))
    assert_loads(checkpoint, state(3.0))
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [checkpoint.path.name]
    assert told == []


def test_a_full_disk_is_told_and_the_training_goes_on(checkpoint, told):
    checkpoint.save(state(1.0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        checkpoint.save(state(2.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told == ["cannot save its state, goes on without: [Errno 27] File too large"]
    assert_loads(checkpoint, state(1.0))
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [checkpoint.path.name]
