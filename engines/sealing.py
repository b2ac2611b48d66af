"""A password that only one process can read: made by a worker, sealed for the public key of whoever is to show it."""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_LETTERS = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRTUVWXYZ", "2346789")
"""Without signs that are taken for one another: l and 1 and I, O and o and 0, S and 5."""
_BLOCKS, _IN_BLOCK = 5, 5
_CLASSES = 2  # letters of each class at least: Windows and PAM want several


class UnreadableError(Exception):
    """It was sealed for another process, or for something else."""


def new_password() -> str:
    """25 letters and digits in five blocks, more than 140 bits: hTk7m-Xw3Qp-…"""
    letters = "".join(_LETTERS)
    while True:
        drawn = [secrets.choice(letters) for _ in range(_BLOCKS * _IN_BLOCK)]
        if all(sum(one in kind for one in drawn) >= _CLASSES for kind in _LETTERS):
            blocks = (drawn[at : at + _IN_BLOCK] for at in range(0, len(drawn), _IN_BLOCK))
            return "-".join("".join(block) for block in blocks)


class Reader:
    """Holds a private key that is nowhere else. `key` is the public one, for whoever seals something for this process.

    What is sealed for it cannot be read once the process has ended.
    """

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()
        self.key = base64.urlsafe_b64encode(self._private.public_key().public_bytes_raw()).decode()

    def open(self, sealed: bytes, about: str) -> str:
        """Raises UnreadableError for what was sealed for another process, or about something else."""
        try:
            return _suite().decrypt(sealed, self._private, about.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise UnreadableError from error


def seal(secret: str, key: str, about: str) -> bytes:
    """`about` says what it belongs to: it cannot be passed off as another thing's. Raises ValueError for no key."""
    try:
        public = X25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key))
    except (binascii.Error, ValueError) as error:
        raise ValueError("no public key") from error
    return _suite().encrypt(secret.encode(), public, about.encode())


def _suite() -> Suite:
    """HPKE in its base mode (RFC 9180): a fresh key of the sender for each message."""
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def about(job_id: int, vm_id: str) -> str:
    """What the password of a VM that a job made is sealed under."""
    return f"stackhand: the password of {vm_id} of JOB-{job_id}"
