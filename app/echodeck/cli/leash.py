"""How a supervised process notices that its supervisor is gone: its stdin, a pipe, comes to an end.

That works on every system, also when the supervisor was killed and could not end its children itself.
"""

from __future__ import annotations

import os
import signal
import threading

SUPERVISED = "ECHODECK_SUPERVISED"
GRACE_S = 15.0


def heel() -> None:
    """When this process is supervised, ends it (as Ctrl-C would) at the end of stdin."""
    if os.environ.get(SUPERVISED) == "1":
        threading.Thread(target=_wait, name="leash", daemon=True).start()


def _wait() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass  # a stdin that cannot be read is at its end
    if os.name == "nt":
        signal.raise_signal(signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGTERM)
    # Whoever does not end in time would outlive its supervisor.
    timer = threading.Timer(GRACE_S, os._exit, (1,))
    timer.daemon = True
    timer.start()
