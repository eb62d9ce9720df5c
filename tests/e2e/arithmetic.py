"""The definitions once more, in numpy and scipy, from the cells that a profile says."""

import math

import numpy as np
from scipy.spatial.distance import jensenshannon


def counts(feature, values):
    """Values per cell of a profile's feature."""
    cells = feature["cells"]
    if "edges" in cells:
        at = np.searchsorted(np.array(cells["edges"]), np.asarray(values, float), side="left")
    else:
        kept = {category: cell for cell, category in enumerate(cells["categories"])}
        other = dict.fromkeys(cells.get("other_categories") or [], len(kept))
        new = len(kept) + bool(cells.get("has_other"))
        at = [kept.get(value, other.get(value, new)) for value in values]
    return np.bincount(at, minlength=len(cells["rows"]))


def psi(r, c):
    """PSI with ½ added to each cell; cells that are empty on both sides contribute nothing."""
    q, p = (r + 0.5) / (r.sum() + 0.5 * len(r)), (c + 0.5) / (c.sum() + 0.5 * len(c))
    used = (r > 0) | (c > 0)
    return float(np.sum(((p - q) * np.log(p / q))[used]))


def threshold(r, c, effect=0.02, z=4.75):
    v, k = 1 / c.sum() + 1 / r.sum(), len(r) - 1
    noncentrality = effect / v
    if k == 1:
        return v * (math.sqrt(noncentrality) + z) ** 2
    f = (k + noncentrality) ** 2 / (k + 2 * noncentrality)
    return v * (k + noncentrality) * (1 - 2 / (9 * f) + z * math.sqrt(2 / (9 * f))) ** 3


def js(r, c):
    """The square root of the Jensen–Shannon divergence in bits; scipy normalises the counts."""
    return float(jensenshannon(r, c, base=2))


def ks(r, c):
    return float(np.max(np.abs(np.cumsum(r / r.sum()) - np.cumsum(c / c.sum()))))


