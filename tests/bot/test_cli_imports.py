"""A short command loads only what it uses: its start is most of its time."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.processes import ROOT, environment

_HEAVY = (
    "alembic", "aiohttp", "apscheduler", "jinja2", "keystoneauth1", "matplotlib", "openstack", "prometheus_client",
    "requests", "xlsxwriter",
)  # fmt: skip
_ASK = """
import sys
from bot.cli import main
try:
    main({arguments!r})
finally:
    print("LOADED", *sorted({{name.split(".")[0] for name in sys.modules}}))
"""


def loaded(cwd: Path, *arguments: str, **more: str) -> set[str]:
    """The top-level packages that were imported by the end of a command."""
    program = _ASK.format(arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env=environment(PYTHONPATH=str(ROOT), **more),
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    line = done.stdout.splitlines()[-1]
    assert line.startswith("LOADED ") and "unexpected" not in done.stderr, done.stderr
    return set(line.split()[1:])


def test_an_answer_from_the_database_loads_no_cloud_no_page_and_no_chart(tmp_path: Path, database_url: str) -> None:
    found = loaded(tmp_path, "ask", "how many VMs are there?", STACKHAND_DATABASE_URL=database_url)
    assert "sqlalchemy" in found, "it did ask the database"
    assert found & set(_HEAVY) == set()


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("version",), ("intents", "match"), ("intents", "explain", "how many VMs?")],
    ids=" ".join,
)
def test_what_needs_no_database_loads_none(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    found = loaded(tmp_path, *arguments)
    assert found & {*_HEAVY, "sqlalchemy", "asyncpg", "structlog"} == set()
