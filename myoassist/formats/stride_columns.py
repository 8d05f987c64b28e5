"""The numbers of one stride: the one table of columns that analysis, files and documentation share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StrideColumn:
    """One number of a stride.

    Attributes:
        name: column of the strides table, with its unit as suffix.
        group: what it belongs to: spatiotemporal, ground_force, stability or clearance.
        quantity: name in summaries, without unit.
        unit: unit of the numbers.
        meaning: how it is defined, with its sign and source.
        ratio: whether zero means none of it, so that coefficient of variation and symmetry index make sense.
    """

    name: str
    group: str
    quantity: str
    unit: str
    meaning: str
    ratio: bool = True


_SPATIOTEMPORAL, _FORCE = "spatiotemporal", "ground_force"
_STABILITY, _CLEARANCE = "stability", "clearance"

STRIDES = (
    StrideColumn("speed_m_s", _SPATIOTEMPORAL, "speed", "m/s", "way of the centre of mass over the stride time"),
    StrideColumn("cadence_steps_min", _SPATIOTEMPORAL, "cadence", "steps/min", "120 / stride time"),
    StrideColumn(
        "stride_length_m", _SPATIOTEMPORAL, "stride_length", "m", "forward way of the own heel between its heel strikes"
    ),
    StrideColumn("stride_time_s", _SPATIOTEMPORAL, "stride_time", "s", "own heel strike to the next"),
    StrideColumn(
        "step_length_m",
        _SPATIOTEMPORAL,
        "step_length",
        "m",
        "forward distance of the heels at the own heel strike that ends the stride",
    ),
    StrideColumn(
        "step_time_s",
        _SPATIOTEMPORAL,
        "step_time",
        "s",
        "the other foot's heel strike to the own one that ends the stride",
    ),
    StrideColumn("toe_off_percent", _SPATIOTEMPORAL, "stance", "% of cycle", "own heel strike to own toe-off"),
    StrideColumn("swing_percent", _SPATIOTEMPORAL, "swing", "% of cycle", "100 % less stance"),
    StrideColumn(
        "single_support_percent",
        _SPATIOTEMPORAL,
        "single_support",
        "% of cycle",
        "swing of the other foot within the stride",
    ),
    StrideColumn(
        "double_support_percent",
        _SPATIOTEMPORAL,
        "double_support",
        "% of cycle",
        "stance less single support: both phases together",
    ),
    StrideColumn(
        "first_peak_bw",
        _FORCE,
        "first_peak",
        "BW",
        "first of the two peaks of vertical force in stance, low-passed at `peak_cutoff_hz`; none if there are not two",
    ),
    StrideColumn("dip_bw", _FORCE, "dip", "BW", "smallest vertical force between the two peaks"),
    StrideColumn("second_peak_bw", _FORCE, "second_peak", "BW", "second of the two peaks"),
    StrideColumn("raw_peak_bw", _FORCE, "raw_peak", "BW", "largest vertical force as recorded"),
    StrideColumn(
        "loading_rate_bw_s",
        _FORCE,
        "loading_rate",
        "BW/s",
        "steepest rise of the vertical force, low-passed at `loading_rate_cutoff_hz`, in the first fifth of stance",
    ),
    StrideColumn(
        "braking_peak_bw",
        _FORCE,
        "braking_peak",
        "BW",
        "largest backward force in stance, low-passed at `peak_cutoff_hz` (negative)",
    ),
    StrideColumn(
        "propulsive_peak_bw", _FORCE, "propulsive_peak", "BW", "largest forward force in stance, low-passed likewise"
    ),
    StrideColumn(
        "braking_impulse_bw_s",
        _FORCE,
        "braking_impulse",
        "BW·s",
        "time integral of the backward force over stance (negative), unfiltered",
    ),
    StrideColumn(
        "propulsive_impulse_bw_s",
        _FORCE,
        "propulsive_impulse",
        "BW·s",
        "time integral of the forward force over stance",
    ),
    StrideColumn(
        "mean_total_bw",
        _FORCE,
        "mean_total",
        "BW",
        "mean vertical force of both feet over the stride; 1 in steady walking: momentum is the same at both ends",
    ),
    StrideColumn(
        "foot_slip_m",
        _FORCE,
        "foot_slip",
        "m",
        "way that the loaded foot slides: time integral over stance of the horizontal speed of heel or toe, whichever "
        "is slower; the one that the foot rolls over stands still unless it slides",
    ),
    StrideColumn(
        "margin_heel_strike_m",
        _STABILITY,
        "margin_heel_strike",
        "m",
        "margin of stability forward (Hof 2005) at the own heel strike: toe of the foot that lands, less the "
        "extrapolated centre of mass",
        ratio=False,
    ),
    StrideColumn(
        "margin_least_m",
        _STABILITY,
        "margin_least",
        "m",
        "smallest margin of stability forward within the stride: foremost toe of the loaded feet, less the "
        "extrapolated centre of mass; negative, since walking falls forward from foot to foot",
        ratio=False,
    ),
    StrideColumn(
        "toe_clearance_m",
        _CLEARANCE,
        "toe_clearance",
        "m",
        "minimum foot clearance: lowest local minimum of the toe's height in the middle half of swing; where there is "
        "none, the height at the toe's largest forward speed",
    ),
    StrideColumn(
        "toe_clearance_dips",
        _CLEARANCE,
        "toe_clearance_dips",
        "1",
        "1 where the toe's height has such a minimum, else 0: its mean is the share of strides",
        ratio=False,
    ),
)
"""Every number of a stride, in the order of the strides table."""

IDENTITY = {
    "episode": "number of the episode",
    "side": "own side, `r` or `l`",
    "cycle": "number of the cycle within episode and side, as found",
    "start_s": "time of the heel strike that begins it (s)",
}
"""Columns that say which stride a row of the strides table is -> meaning."""


def markdown_table() -> str:
    """Render the columns of the strides table as markdown, as they stand in ``docs/analysis.md``."""
    lines = ["| column | group | quantity | unit | definition |", "|---|---|---|---|---|"]
    lines += [f"| `{name}` | | | | {meaning} |" for name, meaning in IDENTITY.items()]
    lines += [f"| `{c.name}` | {c.group} | {c.quantity} | {c.unit} | {c.meaning} |" for c in STRIDES]
    return "\n".join(lines) + "\n"
