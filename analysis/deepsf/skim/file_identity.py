"""What tells a file from others: a digest of its events, and the luminosity blocks that it holds."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from deepsf.nanoaod.branches import Ntuple
from deepsf.nanoaod.events import Events
from deepsf.nanoaod.luminosity_blocks import Keys, LuminosityBlocks, Ranges, keys_of, stored_blocks


class FileIdentity:
    """Collects the identity of a file chunk by chunk; ``file`` is the file itself, where it is open already."""

    def __init__(self, ntuple: Ntuple, file: Any = None) -> None:
        self._is_data = ntuple.is_data
        self._hashed = [hashlib.sha256() for _ in range(4)]
        self._keys: Keys = stored_blocks(ntuple.path, file) if ntuple.is_data else np.zeros(0, np.uint64)
        self._n_events = 0

    def add(self, events: Events) -> None:
        """Add the events of a chunk."""
        # another tagger on the same events makes no other events
        columns = (events.run, events.luminosity_block, events.event, events.jets.columns["pt"])
        for hashed, column in zip(self._hashed, columns, strict=True):
            hashed.update(np.ascontiguousarray(column).data)
        self._n_events += events.n_events
        if self._is_data:
            blocks = np.unique(keys_of(events.run, events.luminosity_block))
            self._keys = np.union1d(self._keys, blocks)

    @property
    def digest(self) -> str:
        """Digest of all events and their jets: equal for copies of a file; empty for a file without events."""
        together = hashlib.sha256(b"".join(hashed.digest() for hashed in self._hashed))
        return together.hexdigest()[:32] if self._n_events else ""

    def blocks(self, certified: LuminosityBlocks | None) -> Ranges:
        """Return the luminosity blocks of data that were processed, of the certified ones if these are known."""
        keys = self._keys if certified is None else self._keys[certified.contain(self._keys)]
        return LuminosityBlocks.of_keys(keys).ranges
