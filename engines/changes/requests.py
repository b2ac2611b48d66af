"""Requests: a plan is asked for, decided on, taken back, or runs out; and what came of it."""

from engines.changes.decisions import approvers, decide, withdraw
from engines.changes.endings import began, ended, expire, remind
from engines.changes.replacing import resubmit
from engines.changes.submitting import submit
from engines.changes.voices import Asker, Decided, Place, Refused, Submitted, Voter

__all__ = [
    "Asker", "Decided", "Place", "Refused", "Submitted", "Voter",
    "approvers", "began", "decide", "ended", "expire", "remind", "resubmit", "submit", "withdraw",
]  # fmt: skip
