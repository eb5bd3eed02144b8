"""JSON that every reader takes: numbers that are not known are null, infinite ones are refused."""

from __future__ import annotations

import json
import math
from typing import NamedTuple

import numpy as np
import pytest

from deepsf.json_text import json_text, plain


class Pair(NamedTuple):
    first: object
    second: object


def test_what_is_not_known_is_null():
    value = {1: Pair(np.array([[1.0, np.nan]]), np.float32("nan")), "b": (np.int64(3), math.nan, None, "x", True)}
    expected = {"1": {"first": [[1.0, None]], "second": None}, "b": [3, None, None, "x", True]}
    assert plain(value) == expected
    assert json.loads(json_text(value)) == expected
    assert plain(np.array(["a", "b"])) == ["a", "b"]
    assert plain([1.0, math.inf, math.nan], is_known=math.isfinite) == [1.0, None, None]


@pytest.mark.parametrize("value", [math.inf, np.array([1.0, -np.inf]), {"a": [np.float64("inf")]}])
def test_infinite_numbers_are_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(value)


def test_other_types_are_what_default_makes_of_them():
    assert json_text({"b": {2}, "a": [{math.nan}]}, default=list) == '{"a": [[null]], "b": [2]}'
    with pytest.raises(TypeError):
        json_text({2})
