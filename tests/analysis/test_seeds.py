"""Streams by name, no two alike; seeds of torch; SplitMix64 against its published sequence."""

import ast
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

from deepsf.seeds import GAMMA, mixed, part_of, seed_sequence, torch_generator, uniform

ROOT = Path(__file__).parents[2]


def test_equal_seeds_give_equal_numbers_and_others_do_not():
    one, same, other = (torch.rand(3, generator=torch_generator(np.random.SeedSequence([7, k]))) for k in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_all_bits_that_torch_takes_are_used():
    seed = np.random.SeedSequence(1)
    assert torch_generator(seed).initial_seed() == int(seed.generate_state(1, np.uint64)[0]) // 2


def test_bits_are_those_of_the_published_generator():
    # the first three numbers of the generator that starts at 0: its state goes up by gamma
    states = np.arange(3, dtype=np.uint64) * GAMMA
    assert [f"{bits:016x}" for bits in mixed(states)] == ["e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f"]


def test_uniform_numbers_leave_out_both_ends():
    ends = uniform(np.array([0, 2**64 - 1], np.uint64))
    assert ends.tolist() == [2.0**-54, 1 - 2.0**-54]


# --- streams by name


def test_a_stream_depends_on_the_seed_and_on_its_whole_name():
    named = [(1, "a"), (2, "a"), (1, "b"), (1, "a", "b"), (1, "a", 1)]
    states = {tuple(seed_sequence(*name).generate_state(4)) for name in named}
    assert len(states) == len(named)


def test_a_part_is_the_same_whenever_it_is_asked_for_and_belongs_to_its_stream():
    seed = seed_sequence(1, "a")
    first = part_of(seed, "x").generate_state(4).tolist()
    part_of(seed, "y")
    seed.spawn(2)
    assert part_of(seed, "x").generate_state(4).tolist() == first
    others = part_of(seed, "y"), part_of(seed_sequence(1, "b"), "x"), part_of(part_of(seed, "x"), "x"), seed
    assert first not in [other.generate_state(4).tolist() for other in others]


PRODUCT = [path for room in ("analysis/deepsf", "tasks") for path in sorted((ROOT / room).rglob("*.py"))]
ANY, REST = "?", "..."


def calls(*functions):
    """Yield where the product calls one of these functions, and the call."""
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in functions:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def pattern(call):
    """The name of a stream: what is known when it runs alone is ``ANY``, an unknown number of such parts ``REST``."""
    return [part(argument) for argument in call.args[1:]]


def part(argument):
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if ast.unparse(argument) == "file.kind":
        return "data or simulation"
    return REST if isinstance(argument, ast.Starred) else ANY


def may_be_equal(one, other):
    if REST in (*one[:1], *other[:1]):
        return True
    if not one or not other:
        return not one and not other
    return (one[0] == other[0] or ANY in (one[0], other[0])) and may_be_equal(one[1:], other[1:])


def test_patterns_of_names_are_compared_part_by_part():
    assert may_be_equal(["a", ANY], ["a", "b"])
    assert may_be_equal(["a", REST], ["a", "b", "c"])
    assert may_be_equal([ANY, ANY], ["b", "c"])
    assert not may_be_equal(["a", ANY], ["a", "b", "c"])
    assert not may_be_equal(["a", ANY], ["b", ANY])


# hands on the names that its callers give
HANDED_ON = "analysis/deepsf/efficiency/events/random.py"


def test_no_two_streams_of_a_campaign_have_the_same_name():
    streams = [(place, pattern(call)) for place, call in calls("seed_sequence", "stream") if HANDED_ON not in place]
    names = {name[0] for _, name in streams}
    assert {"deepsf", "direct", "efficiency", "binned bootstrap", "two-sample test", "truth tagging"} <= names
    for (place, name), (other_place, other) in combinations(streams, 2):
        assert not may_be_equal(name, other), (place, other_place)


def test_no_two_parts_of_a_stream_have_the_same_name():
    parts = [(place, pattern(call)) for place, call in calls("part_of")]
    assert len(parts) > 10
    for (place, name), (other_place, other) in combinations(parts, 2):
        same_module = place.split(":")[0] == other_place.split(":")[0]
        assert not (same_module and may_be_equal(name, other)), (place, other_place)


def test_no_stream_goes_by_its_place_in_a_list_or_by_a_number_of_its_own():
    # the generator's batches are numbered in their file, its steps and taggers listed in the code; columns that a
    # configuration adds have one stream of their own
    spawning = {place.split(":")[0] for place, _ in calls("spawn")}
    assert spawning == {f"analysis/deepsf/generator/{name}.py" for name in ("files", "nanoaod", "tuning")}
    assert {place.split(":")[0] for place, _ in calls("SeedSequence", "manual_seed")} == {"analysis/deepsf/seeds.py"}
    for place, call in calls("default_rng"):
        assert not any(isinstance(argument, ast.Constant) for argument in call.args), place
