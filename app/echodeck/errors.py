"""One tree of errors. Each carries a `code` for programs, a sentence for people, and the field it is about.

    EchodeckError
    ├── InputError              what somebody asked for cannot be done; nothing changed
    │   ├── BadField            one field has a wrong value            (code "bad_field")
    │   ├── BadFrame            a message that cannot be read          ("bad_json", "too_large", "unknown_type", …)
    │   ├── UnknownRecord       no such job, alert, agent              ("unknown_job", …)
    │   │   └── UnknownName     no such host, metric; says which are   ("unknown_host", …)
    │   └── IllegalTransition   the job's state forbids it             ("illegal_transition")
    ├── StoreError              the data directory cannot be used
    │   ├── StoreHeld           another hub has it                     ("store_held")
    │   └── StoreUnavailable    full, read-only, damaged               ("store_unavailable")
    ├── HubUnreachable          nobody answers at the hub's address    ("hub_unreachable")
    ├── ConfigError             a setting cannot be used               ("bad_setting")
    ├── NotDelivered            a message could not be sent out         ("not_delivered")
    ├── BadSignature            a webhook is not the hub's, or not new ("bad_signature")
    ├── Cancelled               raised inside a generation that was asked to stop
    └── EngineError             a generation failed; says whether trying again can help
        ├── OutOfMemory         it would not fit, or did not fit       ("out_of_memory")
        └── JobLost             the server it ran on has forgotten it  ("lost")
"""

from __future__ import annotations

from collections.abc import Sequence


class EchodeckError(Exception):
    """The root. `str(error)` is one sentence that a person can act on."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code

    def as_dict(self) -> dict[str, str | None]:
        """The error as it goes over the wire and out of `--json`: `code`, `message`, `field`."""
        return {"code": self.code, "message": self.message, "field": self.field}


class InputError(EchodeckError):
    """What was asked for cannot be done as asked; nothing has changed."""

    code = "bad_input"


class BadField(InputError):
    """One field has a wrong value. The message names the field and the mend."""

    code = "bad_field"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}", field=field)
        self.problem = problem

    def at(self, place: str) -> BadField:
        """The same of a part of a message: "steps" is "jobs[1].steps" at "jobs[1]"; "" changes nothing."""
        return BadField(f"{place}.{self.field}", self.problem) if place else self


class BadFrame(InputError):
    """A message that cannot be read at all; `code` says why."""

    code = "bad_frame"


class UnknownRecord(InputError):
    """There is no such record (any more)."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} has the id {key[:80]!r}", code=f"unknown_{kind}", field=f"{kind}Id")
        self.key = key


class UnknownName(UnknownRecord):
    """Nothing of this kind is called so; the message says what is, as far as it is not too much."""

    def __init__(self, kind: str, key: str, known: Sequence[str]) -> None:
        super().__init__(kind, key)
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        there = f"there are {', '.join(known[:20])}{more}" if known else "there is none yet"
        self.message, self.field = f"{kind}: none is called {key[:80]!r}; {there}", kind
        self.args = (self.message,)


class IllegalTransition(InputError):
    """The job's state forbids it; `story` says how the job came to be in that state."""

    code = "illegal_transition"

    def __init__(self, message: str, story: str = "") -> None:
        super().__init__(message, field="command")
        self.story = story


class StoreError(EchodeckError):
    """The data directory cannot be used."""

    code = "store_error"


class StoreHeld(StoreError):
    """Another hub process has the data directory open."""

    code = "store_held"

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class StoreUnavailable(StoreError):
    """The disk is full, the directory is read-only, or the database is damaged."""

    code = "store_unavailable"


class HubUnreachable(EchodeckError):
    """Nobody answers at the hub's address."""

    code = "hub_unreachable"


class ConfigError(EchodeckError):
    """A setting cannot be used; the message names where it was set."""

    code = "bad_setting"


class NotDelivered(EchodeckError):
    """A message out has not arrived. `final`: another try cannot help; `after_s`: the receiver asks to wait so long."""

    code = "not_delivered"

    def __init__(self, message: str, *, final: bool = False, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.final, self.after_s = final, after_s


class BadSignature(EchodeckError):
    """A webhook that was received is not what the hub signed, or is an old one again."""

    code = "bad_signature"


class Cancelled(EchodeckError):
    """Raised inside a generation, at a step, when it is to stop.

    `why` is "cancel" (somebody cancelled it), "abandon" (the hub gave it to another), "stop" (its agent ends: what a
    server of its own goes on with may be taken up again), or "elsewhere" (somebody cancelled it at that server).
    """

    code = "cancelled"

    def __init__(self, message: str = "cancelled", why: str = "cancel") -> None:
        super().__init__(message)
        self.why = why


class EngineError(EchodeckError):
    """A generation failed. `retryable` says whether the same job could succeed if tried again."""

    code = "engine_error"

    def __init__(self, message: str, *, retryable: bool = False, code: str | None = None, detail: str = "") -> None:
        super().__init__(message, code=code)
        self.retryable = retryable
        self.detail = detail


class JobLost(EngineError):
    """The server that ran it has forgotten it (it was restarted, say): a job of ours is queued again."""

    code = "lost"

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class OutOfMemory(EngineError):
    """The job does not fit in memory. Both figures are in bytes, 0 where the engine does not say."""

    code = "out_of_memory"

    def __init__(self, message: str, *, needed_bytes: int = 0, free_bytes: int = 0, detail: str = "") -> None:
        super().__init__(message, retryable=False, detail=detail)
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes
