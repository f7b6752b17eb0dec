"""Reads films (mp4, webm, mov, mkv, avi) with OpenCV, frame after frame.

OpenCV, because one wheel brings the library and its decoders to every system under permissive terms (Apache-2.0, with
an FFmpeg of the LGPL kind). PyAV's wheels carry x264 and x265, which are GPL; an `ffmpeg` on the PATH is what many do
not have, and it is a program more to steer, to limit and to understand. It is an extra, for it is large.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pictures import FILM_SIDE, MOST_FRAMES, MOST_PIXELS, Picture, Skipped, Unreadable

MISSING = "films need OpenCV: pip install 'echodeck[video]'"
LONGEST_S = 15.0
"""What has not been decoded by then is not looked at: the count of frames is then the one that the file gives."""
WHOLE = 0.95
"""A film has ended too soon when fewer of the frames can be decoded that its file tells of: some formats estimate."""
UNKNOWN = {"AV01"}
"""Codecs that OpenCV opens, and of which its wheels decode no frame."""


def film_of(path: Path) -> Picture:
    """The film in a file. Raises Unreadable, Skipped."""
    if not path.is_file():
        raise Skipped("it cannot be read: there is no such file")
    cv2 = _opencv()
    capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise Unreadable("there is no film in it")
        return _look(cv2, capture)
    finally:
        capture.release()


def _opencv() -> Any:
    # They are read when it is loaded; what is wrong with a film is told in its verdict.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError:
        raise Skipped(MISSING) from None
    return cv2


def _look(cv2: Any, capture: Any) -> Picture:
    width, height, told = (int(capture.get(one)) for one in (
        cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_COUNT))
    if width * height > MOST_PIXELS:
        raise Skipped(f"its frames have {width} × {height} pixels")
    count, lights, middle = 0, list[NDArray[np.uint8]](), None
    end_s = time.monotonic() + LONGEST_S
    while time.monotonic() < end_s and capture.grab():
        if count < MOST_FRAMES or count == told // 2:
            _, frame = capture.retrieve()
            middle = frame if count in (0, told // 2) else middle
            lights.append(_light(cv2, frame))
        count += 1
    cut_short = time.monotonic() >= end_s
    if middle is None or (count < WHOLE * told and not cut_short):
        raise _failed(capture.get(cv2.CAP_PROP_FOURCC), count, told)
    film = np.stack(lights[:MOST_FRAMES]).astype(np.float32) / np.float32(255)
    return Picture(middle[..., ::-1], film, max(count, told) if cut_short else count)


def _light(cv2: Any, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The light of a frame (height, width, 3) in blue, green and red, small."""
    height, width, _ = frame.shape
    ratio = min(1.0, FILM_SIDE / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    light: NDArray[np.uint8] = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return light


def _failed(code: float, count: int, told: int) -> Unreadable | Skipped:
    """Why not all frames could be decoded. `code` names the codec in four bytes."""
    codec = int(code).to_bytes(4, "little", signed=True).decode("ascii", "replace")
    if count == 0 and codec.upper() in UNKNOWN:
        return Skipped(f"OpenCV decodes no {codec} films")
    return Unreadable(f"{count} of {told} frames can be read")
