"""Pairs of jets of one event: which there are, and the features of each that networks take.

Unordered pairs (i, j), i < j, of an event are in the order (0, 1), (0, 2), ..., (1, 2), ...; those of all events follow
one another. A graph has two edges for each of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from deepsf.arrays import Ints, Singles

N_FEATURES = 3
"""DeltaR, DeltaR^2 / 2, log(DeltaR + 0.05): a network that has DeltaR alone gets the closest jets wrong."""
LOG_OFFSET = 0.05


class Edges(NamedTuple):
    """Directed edges of the graphs of all events, int64, ``(n_edges,)``: each jet to each other one of its event.

    ``source`` and ``target`` are places of jets, ``pair`` is the place of the unordered pair.
    """

    source: Ints
    target: Ints
    pair: Ints


def pair_offsets(offsets: Ints) -> Ints:
    """Return where each event's pairs begin, int64, ``(n_events + 1,)``."""
    n_jets = np.diff(offsets)
    return np.concatenate([[0], np.cumsum(n_jets * (n_jets - 1) // 2)])


def pair_delta_r(offsets: Ints, eta: Singles, phi: Singles) -> Singles:
    """Return DeltaR = sqrt(Deta^2 + Dphi^2), Dphi in [-pi, pi], of all pairs, float32, ``(n_pairs,)``."""
    delta_r = np.empty(int(pair_offsets(offsets)[-1]), np.float32)
    _fill_delta_r(offsets, eta, phi, delta_r)
    return delta_r


def pair_features(delta_r: Singles) -> Singles:
    """Return the features of pairs at a distance, float32, ``(n_pairs, N_FEATURES)``."""
    features = np.empty((len(delta_r), N_FEATURES), np.float32)
    features[:, 0] = delta_r
    features[:, 1] = delta_r**2 / 2
    features[:, 2] = np.log(delta_r + np.float32(LOG_OFFSET))
    return features


def pair_separations(offsets: Ints, eta: Singles, phi: Singles, clipped: Singles) -> Singles:
    """Return features of pairs from which DeltaR is to be inferred: |Deta|, |Dphi|, 0.

    ``clipped`` are distances moved into the range of a training, ``(n_pairs,)``: both differences are scaled as these.
    The result is float32, ``(n_pairs, N_FEATURES)``.
    """
    features = np.zeros((len(clipped), N_FEATURES), np.float32)
    _fill_separations(offsets, eta, phi, clipped, features)
    return features


def edges(offsets: Ints) -> Edges:
    """Return the edges of events with these offsets: ordered by target, then by source."""
    n_edges = 2 * int(pair_offsets(offsets)[-1])
    directed = Edges(*(np.empty(n_edges, np.int64) for _ in Edges._fields))
    _fill_edges(offsets, *directed)
    return directed


@njit(cache=True)
def _fill_delta_r(offsets: Ints, eta: Singles, phi: Singles, delta_r: Singles) -> None:
    pair = 0
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            for j in range(i + 1, offsets[event + 1]):
                delta_eta = np.float64(eta[i]) - np.float64(eta[j])
                delta_phi = abs(np.float64(phi[i]) - np.float64(phi[j]))
                delta_phi = min(delta_phi, 2.0 * math.pi - delta_phi)
                delta_r[pair] = math.sqrt(delta_eta * delta_eta + delta_phi * delta_phi)
                pair += 1


@njit(cache=True)
def _fill_separations(offsets: Ints, eta: Singles, phi: Singles, clipped: Singles, features: Singles) -> None:
    pair = 0
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            for j in range(i + 1, offsets[event + 1]):
                delta_eta = abs(np.float64(eta[i]) - np.float64(eta[j]))
                delta_phi = abs(np.float64(phi[i]) - np.float64(phi[j]))
                delta_phi = abs(min(delta_phi, 2.0 * math.pi - delta_phi))
                delta_r = math.sqrt(delta_eta * delta_eta + delta_phi * delta_phi)
                scale = clipped[pair] / delta_r if delta_r > 0 else 1.0
                features[pair, 0], features[pair, 1] = scale * delta_eta, scale * delta_phi
                pair += 1


@njit(cache=True)
def _fill_edges(offsets: Ints, source: Ints, target: Ints, pair: Ints) -> None:
    edge = first_pair = 0
    for event in range(len(offsets) - 1):
        begin, n_jets = offsets[event], offsets[event + 1] - offsets[event]
        for i in range(n_jets):
            for j in range(n_jets):
                if i == j:
                    continue
                low, high = min(i, j), max(i, j)
                source[edge], target[edge] = begin + j, begin + i
                pair[edge] = first_pair + low * n_jets - low * (low + 1) // 2 + high - low - 1
                edge += 1
        first_pair += n_jets * (n_jets - 1) // 2
