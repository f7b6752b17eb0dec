"""What happened, as something that people may want to be told."""

from __future__ import annotations

from dataclasses import dataclass

RANK = {"debug": 0, "info": 1, "success": 2, "warning": 3, "error": 4}
LEVELS = ("info", "success", "warning", "error")
ENDINGS = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` is "alert", "resolved" (the end of one), the ending of a job ("completed", …), or "test".

    `cause` is an alert's key: "disk:a" is of the rule disk, and so is "rule:disk:a". `level` is the alert's own, also
    when it is resolved. `user` is whose job it is about.
    """

    id: str
    at_s: float
    kind: str
    level: str
    title: str
    message: str = ""
    cause: str = ""
    user: str = ""
    job_id: str = ""
    host: str = ""

    @property
    def rule(self) -> str:
        return self.cause.removeprefix("rule:").partition(":")[0]

    @property
    def group(self) -> str:
        """Notices of one group become one message."""
        return f"{self.kind}:{self.rule}" if self.kind in ("alert", "resolved") else self.kind

    @property
    def shown_level(self) -> str:
        """How urgent telling it is: that an error is over is good news."""
        return "success" if self.kind == "resolved" else self.level
