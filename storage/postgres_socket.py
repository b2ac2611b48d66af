"""The embedded server's socket: its URL, and whether somebody answers there."""

import socket
import struct
import time
from pathlib import Path
from urllib.parse import quote

USER = "stackhand"
SOCKET = ".s.PGSQL.5432"


def url(sockets: Path, password: str) -> str:
    return f"postgresql+asyncpg://{USER}:{quote(password, safe='')}@/postgres?host={quote(str(sockets))}&port=5432"


def answers(sockets: Path) -> bool:
    """Whether a connection is accepted: the server asks for the password, instead of saying that it starts or stops."""
    body = struct.pack(">i", 196608) + f"user\0{USER}\0database\0postgres\0\0".encode()  # protocol 3.0
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(5.0)
            peer.connect(str(sockets / SOCKET))
            peer.sendall(struct.pack(">i", len(body) + 4) + body)
            return peer.recv(1) == b"R"
    except OSError:
        return False


def answers_within(sockets: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not (answered := answers(sockets)) and time.monotonic() < until:
        time.sleep(0.05)
    return answered
