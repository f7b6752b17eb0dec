"""What is measured of a picture and of a film: plain figures, so that they can be sent and kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measures:
    """Light is 0 to 1. `low`, `high`: the darkest and lightest of nearly all pixels; `middle`: their mean; `tint`: how
    far the means of the channels are apart; `bad`: the share of pixels that are no numbers; `cut`: the share where the
    light ran over an end; `grain`: the deviation of the noise; `speckle`: raggedness as a share of all slopes;
    `edge_px`: the width of the sharpest edges, None without any; `bands`: equal steps a pixel."""

    width: int
    height: int
    low: float
    high: float
    middle: float
    tint: float
    bad: float
    cut: float
    grain: float
    speckle: float
    edge_px: float | None
    bands: float

    @property
    def span(self) -> float:
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class FilmMeasures:
    """Of `frames` frames. `still`: the share of frames that are the one before again; `longest_still`: the most of them
    in a row, as a share of all; `flicker`: how much the brightness goes to and fro from frame to frame, 0 to 1;
    `jump`: the largest change between two frames over the usual one."""

    frames: int
    still: float
    longest_still: float
    flicker: float
    jump: float
