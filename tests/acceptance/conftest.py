"""Places and settings for processes of their own."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLOUDS = """\
clouds:
  away:
    auth:
      auth_url: http://127.0.0.1:1/v3
      username: stackhand
      password: canary-cloud-4711
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
"""


@contextmanager
def new_state_dir() -> Iterator[Path]:
    """One that does not exist yet, where the account that runs PostgreSQL for root can reach it."""
    path = Path(tempfile.gettempdir()) / f"stackhand-test-{secrets.token_hex(6)}"
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def state() -> Iterator[Path]:
    with new_state_dir() as path:
        yield path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory with a clouds.yaml whose one cloud does not answer."""
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    return tmp_path
