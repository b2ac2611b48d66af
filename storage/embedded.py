"""The PostgreSQL that runs when no other is configured.

Rules: the server listens on a Unix socket only, with a password. Processes that use it hold a shared lock, which the
kernel drops when they die; the last one to leave stops the server. Whether it runs is found out by connecting, never
from a process id in a file. Started by root, it runs as another account. Nothing outside the state directory is
changed. Layout of the state directory:

    password socket start.lock holders.lock     what every user of the server needs
    server/data server/start.log                owned by the account that runs the server
    run/                                        the socket, unless its path would be too long
    programs/                                   a copy of the programs, when that account cannot reach them
"""

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.postgres_binaries import Account, EmbeddedError, can_enter, choose_account, find_bin_dir, reachable_bin_dir
from storage.postgres_socket import SOCKET, USER, answers, answers_within
from storage.postgres_socket import url as socket_url

__all__ = ["EmbeddedError", "EmbeddedServer", "default_state_dir", "running_url", "start"]

_SOCKET_PATH_LIMIT = 100  # the kernel's is 107 bytes
_START_SECONDS = 300.0  # crash recovery after a heavy load takes its time
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
port = 5432
max_connections = 200
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_parameter_max_length_on_error = 0
"""


def default_state_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/stackhand")
    home = os.environ.get("XDG_STATE_HOME") or ""
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "state") / "stackhand"


def running_url(state_dir: Path | None = None) -> str | None:
    """The URL of the server when it runs and answers; None otherwise. Starts and holds nothing."""
    root = state_dir or default_state_dir()
    try:
        sockets, password = (root / "socket").read_text().strip(), (root / "password").read_text().strip()
    except OSError:
        return None
    return socket_url(Path(sockets), password) if answers(Path(sockets)) else None


def start(state_dir: Path | None = None, *, bin_dir: Path | None = None, run_as: str | None = None) -> "EmbeddedServer":
    """Use the server of a state directory, making and starting it where needed; raises EmbeddedError.

    Blocks: about a second the first time, milliseconds when it runs already.
    """
    root = (state_dir or default_state_dir()).absolute()
    with _explained(root):
        account = choose_account(run_as, root)
        _own_root(root, account)
        server = EmbeddedServer(root, account, bin_dir)
        try:
            server.ensure()
        except BaseException:
            server.release()
            raise
        return server


class EmbeddedServer:
    """This process's use of the server. Leave it with `stop` or as a context manager."""

    def __init__(self, root: Path, account: Account | None, bin_dir: Path | None) -> None:
        self._root = root
        self._account = account
        self._bin_dir = bin_dir
        self._holders: int | None = os.open(root / "holders.lock", _LOCK_FLAGS, 0o600)
        self._password = _password(root, (root / "server" / "data").exists())
        self._sockets = _socket_dir(root, account)

    @property
    def url(self) -> str:
        """For SQLAlchemy with asyncpg. Holds the password: not for logs."""
        return socket_url(self._sockets, self._password)

    @property
    def state_dir(self) -> Path:
        return self._root

    def __repr__(self) -> str:
        return f"EmbeddedServer({str(self._root)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def ensure(self) -> None:
        """Start the server again if it is gone; cheap while it runs."""
        if self._holders is None:
            raise EmbeddedError("this use of the embedded server has ended", "start it anew")
        with _explained(self._root), _guard(self._root):
            fcntl.flock(self._holders, fcntl.LOCK_SH)
            if not answers(self._sockets):
                self._start()

    def stop(self) -> None:
        """Leave the server; the last one to leave stops it."""
        if self._holders is None:
            return
        with _explained(self._root), _guard(self._root), suppress(BlockingIOError):  # somebody else still uses it
            fcntl.flock(self._holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-t", "60", "-D", "data", check=False)
        self.release()

    def release(self) -> None:
        """Leave the server running, whoever uses it."""
        if self._holders is not None:
            os.close(self._holders)
            self._holders = None

    def _start(self) -> None:
        home = self._root / "server"
        _own(home, self._account, 0o700)
        data = home / "data"
        if not (data / "PG_VERSION").exists():
            self._make(home, data)
        self._check_version(data)
        self._write(data / "stackhand.conf", _SETTINGS.format(sockets=str(self._sockets).replace("'", "''")))
        _replace(self._root / "socket", f"{self._sockets}\n")
        self._wait(data)

    def _make(self, home: Path, data: Path) -> None:
        """initdb beside the final place, renamed when whole: a half-made cluster is never used."""
        for left in home.glob("making-*"):
            shutil.rmtree(left)
        making = f"making-{secrets.token_hex(4)}"
        secret = home / f"{making}.password"
        self._write(secret, f"{self._password}\n")
        try:
            self._run(
                *("initdb", "-D", making, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret.name}", "-E", "UTF8"),
                *self._locale(),
                "--data-checksums",
            )
        finally:
            secret.unlink()
        with (home / making / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude = 'stackhand.conf'\n")
        (home / making).rename(data)

    def _locale(self) -> tuple[str, ...]:
        if self._major() >= 17:  # the same order of text on every machine, whatever its C library
            return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        return ("--locale=C",)

    def _major(self) -> int:
        words = self._run("postgres", "--version").split()
        return int("".join(c for c in words[2].split(".")[0] if c.isdigit())) if len(words) > 2 else 0

    def _check_version(self, data: Path) -> None:
        made, ours = (data / "PG_VERSION").read_text().strip(), self._major()
        if made != str(ours):
            raise EmbeddedError(
                f"the data in {data} are of PostgreSQL {made}, the programs of PostgreSQL {ours}",
                f"run it with PostgreSQL {made} (STACKHAND_POSTGRES_BIN), pg_dump there, and restore into a new one",
            )

    def _wait(self, data: Path) -> None:
        """pg_ctl believes a stale pid file after a crash, so it is asked again until a connection works."""
        until = time.monotonic() + _START_SECONDS
        failures = 0
        while True:
            _forget_dead(data)
            started = self._run("pg_ctl", "start", "-w", "-t", "300", "-D", "data", "-l", "start.log", check=False)
            if answers_within(self._sockets, 1.0):
                return
            failures += 0 if started else 1
            if failures >= 5 or time.monotonic() > until:
                raise _start_failed(data.parent)
            time.sleep(0.2)

    def _run(self, program: str, *arguments: str, check: bool = True) -> str:
        """A program's output; "" on failure with check off. Runs in the server's directory, as its account."""
        found = find_bin_dir(self._bin_dir)
        home = self._root / "server"
        bin_dir = reachable_bin_dir(found, self._account, self._root)
        done = subprocess.run(  # noqa: S603 - a fixed program, arguments as a list
            [str(bin_dir / program), *arguments],
            cwd=home,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            user=None if self._account is None else self._account.uid,
            group=None if self._account is None else self._account.gid,
            extra_groups=None if self._account is None else [],
        )
        if done.returncode == 0:
            return done.stdout or " "
        if check:
            raise _program_failed(program, done.stderr, self._account)
        return ""

    def _write(self, path: Path, content: str) -> None:
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            if self._account is not None:
                os.fchown(handle, self._account.uid, self._account.gid)
            file.write(content)


_LOCK_FLAGS = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def _guard(root: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    handle = os.open(root / "start.lock", _LOCK_FLAGS, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or root
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(str(place)) from error
        reason = (error.strerror or type(error).__name__).lower()
        raise EmbeddedError(
            f"{place}: {reason}", "make the directory writable for this user, or set STACKHAND_STATE_DIR to another"
        ) from error


def _disk_full(place: str) -> EmbeddedError:
    return EmbeddedError(
        f"the disk that holds {place} is full", "free some space, or set STACKHAND_STATE_DIR to another disk"
    )


def _own_root(root: Path, account: Account | None) -> None:
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # two processes at once
            root.mkdir(mode=0o711 if account else 0o700)
    if not root.is_dir():
        raise EmbeddedError(f"{root} is not a directory", "set STACKHAND_STATE_DIR to a directory")
    allowed = {os.geteuid()} | ({account.uid} if account else set())
    if root.stat().st_uid not in allowed:
        raise EmbeddedError(
            f"{root} belongs to another user (uid {root.stat().st_uid})",
            "start as that user, or set STACKHAND_STATE_DIR to a directory of your own",
        )
    if account is not None and not can_enter(account, root):
        raise EmbeddedError(
            f"the account {account.name}, which runs PostgreSQL for root, cannot enter {root}",
            "set STACKHAND_STATE_DIR to a directory that it can reach, such as /var/lib/stackhand",
        )


def _own(directory: Path, account: Account | None, mode: int) -> None:
    with suppress(FileExistsError):
        directory.mkdir(mode=mode)
    found = directory.lstat()
    wanted = os.geteuid() if account is None else account.uid
    if account is not None and found.st_uid == 0 and directory.is_dir() and not directory.is_symlink():
        os.chown(directory, account.uid, account.gid, follow_symlinks=False)
        return
    if directory.is_symlink() or not directory.is_dir() or found.st_uid != wanted:
        raise EmbeddedError(
            f"{directory} is not a directory of the account that runs PostgreSQL (uid {wanted})",
            "remove it if it is not needed, or set STACKHAND_STATE_DIR to another directory",
        )


def _socket_dir(root: Path, account: Account | None) -> Path:
    """`run` in the state directory, or a short place named after it when the path would be too long."""
    near = root / "run"
    if len(os.fsencode(near / SOCKET)) > _SOCKET_PATH_LIMIT:
        short = "stackhand-" + hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
        places = [os.environ.get("XDG_RUNTIME_DIR", "")] if account is None else ["/run"]
        usable = [p for p in places if p and os.access(p, os.W_OK) and len(p) < 50]
        near = Path(usable[0] if usable else tempfile.gettempdir()) / short
    _own(near, account, 0o700)
    return near


def _password(root: Path, data_exist: bool) -> str:
    path = root / "password"
    with _guard(root):
        if path.exists():
            return path.read_text().strip()
        if data_exist:
            raise EmbeddedError(
                f"{path} is gone, but the data are there", "put the file back from a backup of the state directory"
            )
        password = secrets.token_urlsafe(24)
        _replace(path, f"{password}\n")
        return password


def _replace(path: Path, content: str) -> None:
    """Write a small private file whole or not at all."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _forget_dead(data: Path) -> None:
    """Make PostgreSQL see that the server its pid file names is dead, where it would believe it alive.

    It may be a child of ours that nobody waited for (this process being a container's first), or its number may be
    another process's now, as is usual after a container's restart. All processes of a server work in its data.
    """
    pid_file = data / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().split()[0])
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        places = [_works_in(process) for process in Path("/proc").glob("[0-9]*")]
        if _works_in(Path(f"/proc/{pid}")) and str(data.resolve()) not in places:
            pid_file.unlink()


def _works_in(process: Path) -> str:
    """Empty when it is gone, or another user's."""
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def _program_failed(program: str, said: str, account: Account | None) -> EmbeddedError:
    if "No space left" in said or "Disk quota exceeded" in said:
        return _disk_full("the data")
    if "could not look up effective user ID" in said:
        uid = os.geteuid() if account is None else account.uid
        return EmbeddedError(
            f"PostgreSQL needs an account, and uid {uid} has none",
            "run as a user of /etc/passwd, or set STACKHAND_DATABASE_URL",
        )
    lines = [line for line in said.splitlines() if "error" in line or "fatal" in line.lower()] or said.splitlines()
    return EmbeddedError(f"{program} failed: {lines[0] if lines else 'it said nothing'}", _LOOK)


_LOOK = "mend that and start again, or set STACKHAND_DATABASE_URL to another PostgreSQL"


def _start_failed(home: Path) -> EmbeddedError:
    logs = [home / "start.log", *sorted((home / "data" / "log").glob("*.log"), key=lambda p: p.stat().st_mtime)]
    said = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()[-200:]]
    if any("No space left" in line for line in said[-50:]):
        return _disk_full(str(home))
    fatal = [line for line in said if "FATAL:" in line or "PANIC:" in line]
    reason = fatal[-1].split(":  ", 1)[-1] if fatal else "it gave no reason"
    return EmbeddedError(f"PostgreSQL did not start: {reason}", f"see {home / 'data' / 'log'}; {_LOOK}")
