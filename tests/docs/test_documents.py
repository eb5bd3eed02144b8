"""Code in any document is run by some test."""

from __future__ import annotations

import pytest

from tests.docs.documents import DOCUMENTS, blocks


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_unmarked_code_is_in_documents_with_a_test_of_their_own(document):
    """Blocks marked ``client`` and ``onnx`` are run by tests/package, whatever document they are in."""
    of_all = {"exports.md", "efficiencies.md"}  # test_exports.py, test_efficiencies.py
    assert not blocks(document, "") or document.name in of_all
