"""Large arrays in a page: mean attention maps made smaller, and numbers as base64."""

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np

# Cells of a map have one byte: 0 is missing, 1 to 255 are steps of the logarithm between the map's extremes.
STEPS = 254
# Less than this is shown as this: attention spread evenly over 400 tokens is 250 times as much.
SMALLEST = 1e-5
LARGEST_SIDE = 160


def packed(values: np.ndarray) -> str:
    """An array as base64 of its little-endian bytes: uint8 and int16 as they are, all else as float32."""
    kind = {np.dtype(np.uint8): "u1", np.dtype(np.int16): "<i2"}.get(values.dtype, "<f4")
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def bin_size(side: int, maps: int, budget: int) -> int:
    """Fewest tokens in a row of a cell, so that `maps` maps of `side` tokens fit into `budget` characters."""
    size = 1
    while -(-side // size) > LARGEST_SIDE or maps * (-(-side // size)) ** 2 * 4 / 3 > budget:
        size += 1
    return size


def pooled(maps: np.ndarray, size: int) -> np.ndarray:
    """Means of `size` x `size` cells of maps (..., n, n), at the end of fewer; missing cells do not count."""
    starts = np.arange(0, maps.shape[-1], size)
    known = np.isfinite(maps)
    total, count = np.where(known, maps, 0).astype(np.float64), known.astype(np.float64)
    for axis in (-1, -2):
        total, count = (np.add.reduceat(part, starts, axis=axis) for part in (total, count))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def quantised(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps (m, s, s) in steps of their logarithm: bytes (m, s, s), and the least and largest value of each map (m,)."""
    clipped = np.maximum(maps, SMALLEST)
    flat = clipped.reshape(len(maps), -1)
    low = np.nanmin(np.where(np.isfinite(flat), flat, np.inf), axis=1)
    high = np.nanmax(np.where(np.isfinite(flat), flat, -np.inf), axis=1)
    span = np.where(high > low, np.log(high) - np.log(low), 1.0)
    steps = 1 + np.rint((np.log(clipped) - np.log(low)[:, None, None]) / span[:, None, None] * STEPS)
    return np.where(np.isfinite(maps), steps, 0).astype(np.uint8), low, high


def profile_arrays(profiles: np.ndarray, size: int = 1) -> dict[str, str]:
    """Profiles (m, n) of non-negative numbers in steps of their logarithm, as `quantised`, in means of `size` tokens.

    `cells` are bytes (m, s), `low` and `high` the least and largest value of each (m,). A profile of which nothing is
    known is all 0.
    """
    starts = np.arange(0, profiles.shape[1], size)
    lengths = np.diff(np.append(starts, profiles.shape[1]))
    means = np.add.reduceat(profiles.astype(np.float64), starts, axis=1) / lengths
    unknown = np.flatnonzero(np.isnan(means).all(axis=1))
    means[unknown] = SMALLEST
    cells, low, high = quantised(means[:, None])
    cells[unknown] = 0
    return {"cells": packed(cells), "low": packed(low), "high": packed(high)}


def attention_arrays(of_classes: Iterable[tuple[str, np.ndarray, int]], classes: int, budget: int) -> dict[str, Any]:
    """Mean attention maps between k-mers, layer after layer and head after head, for each class.

    `of_classes` yields for each of `classes` classes its name, its mean maps (L, H, n, n), [CLS] first and [SEP] last,
    and of how many sequences they are. `error` is the largest relative error that rounding leaves.
    """
    result: dict[str, Any] = {"bin": 1, "side": 0, "kmers": 0, "steps": STEPS, "smallest": SMALLEST, "error": 0.0}
    result["classes"] = {}
    for name, means, sequences in of_classes:
        kmers = means[..., 1:-1, 1:-1]
        maps, side = kmers.shape[0] * kmers.shape[1], kmers.shape[-1]
        result["bin"] = bin_size(side, classes * maps, budget)
        small = pooled(kmers.reshape(maps, side, side), result["bin"])
        cells, low, high = quantised(small)
        error = np.exp(np.log(high / low) / STEPS / 2) - 1
        result["error"] = max(result["error"], float(error.max()))
        result["side"], result["kmers"] = small.shape[-1], side
        result["classes"][name] = {
            "n": sequences,
            "low": low.tolist(),
            "high": high.tolist(),
            "cells": packed(cells),
        }
    return result


def principal_components(vectors: np.ndarray, components: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Centred vectors (m, d) in their first principal components (m, 3), and the share of variance of each (3,).

    The sign is that in which the coordinate farthest from 0 is positive. Where all vectors are equal, all is 0.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, sigma, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(vectors), components))
    shares = np.zeros(components)
    # What rounding leaves of equal vectors is no variance.
    if sigma[0] > 1e-5 * max(1.0, float(np.abs(vectors).max())):
        found = min(components, len(sigma))
        points[:, :found] = left[:, :found] * sigma[:found]
        shares[:found] = (sigma**2 / (sigma**2).sum())[:found]
        farthest = points[np.abs(points).argmax(axis=0), np.arange(components)]
        points *= np.where(farthest < 0, -1, 1)
    return points, shares
