"""Share of slow-twitch fibres of each leg muscle, and which muscles a merged one stands for.

The shares are those of Uchida et al. (2016), PLoS ONE 11:e0163417, supporting information, as tabulated by
Falisse et al. (2019), J R Soc Interface 16:20190402, in the code published with it (``getSlowTwitchRatios``).
Muscles are named as by Rajagopal et al. (2016). A merged muscle has the mean of its parts, weighted by their
share of the volume of all leg muscles (Handsfield et al. 2014, J Biomech 47:631-638, 24 healthy adults).
"""

from __future__ import annotations

DEFAULT = 0.5
"""Share of a muscle that the table does not know; Falisse et al. (2019) took the same where there were no data."""

SHARES = {
    "addbrev": 0.50,
    "addlong": 0.50,
    "addmag": 0.552,
    "bflh": 0.5425,
    "bfsh": 0.529,
    "edl": 0.75,
    "ehl": 0.75,
    "fdl": 0.60,
    "fhl": 0.60,
    "gaslat": 0.507,
    "gasmed": 0.566,
    "glmax": 0.55,
    "glmed": 0.55,
    "glmin": 0.55,
    "grac": 0.50,
    "iliacus": 0.50,
    "perbrev": 0.60,
    "perlong": 0.60,
    "piri": 0.50,
    "psoas": 0.50,
    "recfem": 0.3865,
    "sart": 0.50,
    "semimem": 0.4925,
    "semiten": 0.425,
    "soleus": 0.803,
    "tfl": 0.50,
    "tibant": 0.70,
    "tibpost": 0.60,
    "vasint": 0.543,
    "vaslat": 0.455,
    "vasmed": 0.503,
}
"""Muscle -> share of slow-twitch fibres; also of its parts, whose names go on (``glmax1``, ``addmagDist``)."""

MERGED = {
    "abd": ("glmed", "glmin"),
    "add": ("addbrev", "addlong", "addmag"),
    "bifemsh": ("bfsh",),
    "gastroc": ("gasmed", "gaslat"),
    "glutmax": ("glmax",),
    "hamstrings": ("semimem", "semiten", "bflh"),
    "iliopsoas": ("iliacus", "psoas"),
    "rectfem": ("recfem",),
    "vasti": ("vasmed", "vasint", "vaslat"),
}
"""Muscle of the reduced bodies -> the muscles that it stands for."""

VOLUME_PERCENT = {
    "addbrev": 1.47,
    "addlong": 2.26,
    "addmag": 7.86,
    "bflh": 2.92,
    "bfsh": 1.40,
    "gaslat": 2.11,
    "gasmed": 3.62,
    "glmax": 11.93,
    "glmed": 4.54,
    "glmin": 1.47,
    "iliacus": 2.48,
    "psoas": 3.80,
    "recfem": 3.79,
    "semimem": 3.46,
    "semiten": 2.60,
    "vasint": 3.84,
    "vaslat": 11.66,
    "vasmed": 6.06,
}
"""Muscle -> percent of the volume of one leg's muscles, for those that are merged."""


def slow_twitch_share(muscle: str) -> float | None:
    """Return the share of slow-twitch fibres, 0 to 1; None for a muscle that the table does not know.

    Args:
        muscle: name without side.
    """
    parts = MERGED.get(muscle)
    if parts is not None:
        volume = sum(VOLUME_PERCENT[part] for part in parts)
        return sum(SHARES[part] * VOLUME_PERCENT[part] for part in parts) / volume
    whole = max((name for name in SHARES if muscle.startswith(name)), key=len, default=None)
    return None if whole is None else SHARES[whole]
