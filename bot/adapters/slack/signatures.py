"""Whether a request really comes from Slack: HMAC-SHA256 over version, timestamp and the raw body.

The SDK's own verifier raises on malformed timestamps, which would answer 500 with a traceback.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

WINDOW_S = 300
TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


def sign(body: bytes, timestamp: str, secret: str) -> str:
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def refusal(timestamps: Sequence[str], signatures: Sequence[str], body: bytes, secret: str, now_s: float) -> str:
    """Why it is refused, in one fixed word; empty when it is genuine. Each header must be there exactly once."""
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        return "timestamp"
    if len(signatures) != 1 or not _SIGNATURE.fullmatch(signatures[0]):
        return "signature"
    if abs(now_s - int(timestamps[0])) > WINDOW_S:
        return "stale"
    if not hmac.compare_digest(sign(body, timestamps[0], secret), signatures[0]):
        return "signature"
    return ""
