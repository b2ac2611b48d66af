"""The embedded server: started once by many, stopped by the last, back after a crash, and clear when it cannot run."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest

from storage import postgres_binaries
from storage.embedded import EmbeddedError, default_state_dir, running_url, start
from storage.postgres_binaries import Account, choose_account, find_bin_dir

ROOT = Path(__file__).parent.parent.parent
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another account")

_USER = """
import sys
from pathlib import Path
from storage.embedded import start
with start(Path(sys.argv[1])) as server:
    print("up", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def state() -> Iterator[Path]:
    """A directory that other accounts can reach, unlike pytest's own."""
    path = Path(tempfile.gettempdir()) / f"stackhand-test-{secrets.token_hex(4)}"
    yield path
    _kill_postmaster(path)
    shutil.rmtree(path, ignore_errors=True)


def _postmaster(state: Path) -> int | None:
    try:
        return int((state / "server" / "data" / "postmaster.pid").read_text().split()[0])
    except OSError:
        return None


def _kill_postmaster(state: Path) -> None:
    pid = _postmaster(state)
    if pid is not None and _alive(pid):
        os.kill(pid, signal.SIGKILL)
        _wait_gone(pid)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait_gone(pid: int) -> None:
    until = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _alive(pid)


def _user(state: Path) -> "subprocess.Popen[str]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", _USER, str(state)], cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def _ended(user: "subprocess.Popen[str]") -> str:
    out, err = user.communicate("\n", timeout=30)
    return out + err


def _run(url: str, *statements: str) -> object:
    async def work() -> object:
        conn = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return [await conn.fetchval(statement) for statement in statements][-1]
        finally:
            await conn.close()

    with asyncio.Runner() as runner:
        return runner.run(work())


def _on_a_thread(url: str, *statements: str) -> object:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_run, url, *statements).result()


def test_a_cold_start_makes_it_and_a_warm_one_finds_it(state: Path) -> None:
    with start(state) as server:
        assert running_url(state) == server.url
        assert secrets.compare_digest(repr(server), f"EmbeddedServer({str(state)!r})")
        assert (
            _on_a_thread(
                server.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SHOW listen_addresses"
            )
            == ""
        )
        pid = _postmaster(state)
        with start(state) as second:
            assert second.url == server.url and _postmaster(state) == pid
        assert running_url(state) == server.url  # the first still uses it
        server.ensure()
    assert running_url(state) is None and pid is not None
    _wait_gone(pid)
    with start(state) as again:
        assert _on_a_thread(again.url, "SELECT n FROM kept") == 7
        assert (state / "password").stat().st_mode & 0o777 == 0o600
    again.stop()  # twice does no harm
    with pytest.raises(EmbeddedError, match="has ended"):
        again.ensure()


def test_three_cold_starts_at_once_make_one_server_that_the_last_stops(state: Path) -> None:
    users = [_user(state) for _ in range(3)]
    assert [user.stdout.readline() for user in users if user.stdout] == ["up\n"] * 3
    pid = _postmaster(state)
    assert pid is not None
    assert [p.name for p in (state / "server").iterdir() if p.name.startswith("making")] == []
    users[0].kill()
    users[0].communicate()
    assert _ended(users[1]) == ""
    assert _alive(pid) and running_url(state) is not None
    assert _ended(users[2]) == ""
    _wait_gone(pid)
    assert running_url(state) is None


def test_a_killed_postmaster_comes_back_with_its_rows(state: Path) -> None:
    with start(state) as server:
        _on_a_thread(server.url, "CREATE TABLE kept AS SELECT generate_series(1, 5000) n")
        _kill_postmaster(state)
        assert running_url(state) is None
        server.ensure()
        assert _on_a_thread(server.url, "SELECT count(*) FROM kept") == 5000


def test_killed_users_leave_a_server_that_the_next_one_stops(state: Path) -> None:
    user = _user(state)
    assert user.stdout and user.stdout.readline() == "up\n"
    pid = _postmaster(state)
    user.kill()
    user.communicate()
    assert pid is not None and _alive(pid)
    with start(state):
        assert _postmaster(state) == pid
    _wait_gone(pid)


def test_a_pid_file_of_another_process_is_not_believed(state: Path) -> None:
    with start(state):
        pass
    data = state / "server" / "data"
    owner = (data / "PG_VERSION").stat()
    other = subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        stale = data / "postmaster.pid"
        stale.write_text(f"{other.pid}\n{data}\n1700000000\n5432\n{state}/run\n\n  1234567 99\nready\n")
        os.chown(stale, owner.st_uid, owner.st_gid)
        with start(state) as server:
            assert _on_a_thread(server.url, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_half_made_cluster_is_made_anew(state: Path) -> None:
    with start(state):
        pass
    shutil.rmtree(state / "server" / "data")
    half = state / "server" / "making-cutoff"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with start(state) as server:
        assert _on_a_thread(server.url, "SELECT 1") == 1
    assert not half.exists()


@as_root
def test_started_by_root_it_runs_as_another_account(state: Path) -> None:
    with start(state) as server:
        pid = _postmaster(state)
        assert Path(f"/proc/{pid}").stat().st_uid != 0
        assert _on_a_thread(server.url, "SELECT 1") == 1
        assert state.stat().st_uid == 0 and state.stat().st_mode & 0o777 == 0o711


@as_root
def test_an_account_can_be_named(state: Path) -> None:
    with start(state, run_as="nobody"):
        assert Path(f"/proc/{_postmaster(state)}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    with pytest.raises(EmbeddedError, match="no-such-account"):
        start(state, run_as="no-such-account")
    with pytest.raises(EmbeddedError):
        start(state, run_as="root")


@as_root
def test_a_bare_machine_without_a_postgres_account_uses_another(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pwd.getpwnam

    def lookup(name: str) -> pwd.struct_passwd:
        if name == "postgres":
            raise KeyError(name)
        return real(name)

    monkeypatch.setattr(pwd, "getpwnam", lookup)
    account = choose_account(None, state)
    assert account == Account("nobody", real("nobody").pw_uid, real("nobody").pw_gid)
    with start(state):
        assert Path(f"/proc/{_postmaster(state)}").stat().st_uid == account.uid


@as_root
def test_a_machine_with_no_account_but_root_is_told(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: object) -> pwd.struct_passwd:
        raise KeyError

    root_alone = SimpleNamespace(getpwnam=nobody, getpwuid=nobody, getpwall=lambda: [pwd.getpwuid(0)])
    monkeypatch.setattr(postgres_binaries, "pwd", root_alone)
    with pytest.raises(EmbeddedError, match="no other account") as caught:
        start(state)
    _is_one_line(caught.value)


def _is_one_line(error: EmbeddedError) -> None:
    assert "\n" not in error.what + error.fix and error.what and error.fix
    assert len(str(error)) < 400


def test_the_programs_can_be_set(state: Path, tmp_path: Path) -> None:
    with start(state, bin_dir=find_bin_dir(None)) as server:
        assert _on_a_thread(server.url, "SELECT 1") == 1
    with pytest.raises(EmbeddedError, match="has no initdb") as caught:
        start(state, bin_dir=tmp_path)
    _is_one_line(caught.value)


def _programs(directory: Path, version: str = "18.1") -> Path:
    directory.mkdir(parents=True)
    for program in postgres_binaries.PROGRAMS:
        (directory / program).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (directory / program).chmod(0o755)
    return directory


def test_a_system_postgresql_is_found_the_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_binaries, "_wheel", lambda: None)
    monkeypatch.setattr(postgres_binaries, "_SYSTEM", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    with pytest.raises(EmbeddedError, match="no PostgreSQL programs") as caught:
        find_bin_dir(None)
    _is_one_line(caught.value)
    on_path = _programs(tmp_path / "path")
    assert find_bin_dir(None) == on_path
    for version in ("9", "16", "17"):
        _programs(tmp_path / version / "bin")
    (tmp_path / "18" / "bin").mkdir(parents=True)  # without programs
    assert find_bin_dir(None) == tmp_path / "17" / "bin"


def test_data_of_another_version_are_refused(state: Path) -> None:
    with start(state):
        pass
    version = state / "server" / "data" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(EmbeddedError, match="of PostgreSQL 12, the programs of PostgreSQL") as caught:
        start(state)
    _is_one_line(caught.value)


@pytest.mark.parametrize("path", ["/proc/stackhand", "/dev/null/stackhand", "/dev/null"])
def test_a_place_that_cannot_be_written_is_told(path: str) -> None:
    with pytest.raises(EmbeddedError) as caught:
        start(Path(path))
    _is_one_line(caught.value)


@as_root
def test_a_directory_of_somebody_else_is_refused(state: Path) -> None:
    state.mkdir()
    os.chown(state, 12345, 12345)
    with pytest.raises(EmbeddedError, match="12345") as caught:
        start(state, run_as="nobody")
    _is_one_line(caught.value)
    assert list(state.iterdir()) == []


@as_root
def test_a_directory_below_a_private_one_is_refused_and_nothing_is_opened(state: Path) -> None:
    state.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match="cannot enter") as caught:
        start(state / "below")
    _is_one_line(caught.value)
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_the_data_is_refused(state: Path, tmp_path: Path) -> None:
    state.mkdir(mode=0o711)
    (state / "server").symlink_to(tmp_path)
    with pytest.raises(EmbeddedError, match="is not a directory of the account") as caught:
        start(state)
    _is_one_line(caught.value)


def test_a_path_too_long_for_a_socket_gets_a_short_one(state: Path) -> None:
    deep = state / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir(parents=True, mode=0o711)
    state.chmod(0o711)
    with start(deep) as server:
        assert _on_a_thread(server.url, "SELECT 1") == 1
        sockets = Path((deep / "socket").read_text().strip())
        assert len(str(sockets)) < 90 and sockets.stat().st_mode & 0o077 == 0
    shutil.rmtree(sockets)


def test_a_lost_password_is_told(state: Path) -> None:
    with start(state):
        pass
    (state / "password").unlink()
    with pytest.raises(EmbeddedError, match="is gone, but the data are there") as caught:
        start(state)
    _is_one_line(caught.value)


@pytest.fixture
def small_disk(state: Path) -> Iterator[Path]:
    state.mkdir(mode=0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", str(state)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield state
    subprocess.run(["umount", "-l", str(state)], check=True)


def test_a_full_disk_is_told(small_disk: Path) -> None:
    with pytest.raises(EmbeddedError, match="is full") as caught:
        start(small_disk / "state")
    _is_one_line(caught.value)
    assert not (small_disk / "state" / "server" / "data").exists()


def test_the_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_state_dir() == Path("/var/lib/stackhand")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
    assert default_state_dir() == Path("/srv/state/stackhand")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert default_state_dir() == Path.home() / ".local" / "state" / "stackhand"
