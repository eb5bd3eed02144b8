"""Code in any page is run by some test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, blocks

WITH_UNMARKED_CODE = [document for document in DOCUMENTS if blocks(document, "")]


@pytest.mark.parametrize("document", WITH_UNMARKED_CODE, ids=lambda document: document.name)
def test_a_page_with_unmarked_code_has_a_test_that_runs_it(document):
    """Blocks marked ``client`` and ``onnx`` are run by tests/package, whatever page they are in."""
    test = Path(__file__).with_name(f"test_{document.stem.lower().replace('-', '_')}.py")
    assert test.is_file()
    code = test.read_text()
    assert f'"{document.name}"' in code
    assert "run(" in code


def test_there_are_pages_with_unmarked_code():
    assert len(WITH_UNMARKED_CODE) == 4
