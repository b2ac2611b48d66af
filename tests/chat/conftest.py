"""A Slack workspace on loopback for the tests that talk to one; they are skipped where there is none to start."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

BED = Path(__file__).parents[3] / "shared" / "testbed" / "chat"
_SETTING = re.compile(r"^export (\w+)=(.*)$", re.M)


@dataclass(frozen=True, slots=True)
class SlackBed:
    """Where the workspace answers, and what a bot needs for it. `control_url` is driven by JSON over HTTP."""

    base_url: str
    control_url: str
    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    signing_secret: str = field(repr=False)

    def client(self) -> AsyncWebClient:
        """A client with the bot's token."""
        return AsyncWebClient(token=self.bot_token, base_url=self.base_url)


@pytest.fixture(scope="session")
def slack_bed() -> Iterator[SlackBed]:
    """The workspace, started for this run on ports and with a state of its own; one that is up already is left so.

    SLACK_TESTBED_PORT and TESTBED_DIR choose another port and place, those of a bed that runs among them.
    """
    _or_skip()
    own = tempfile.mkdtemp(prefix="stackhand-slack-") if "TESTBED_DIR" not in os.environ else ""
    environment = {**os.environ}
    environment.setdefault("TESTBED_DIR", own)
    environment.setdefault("SLACK_TESTBED_PORT", str(_free_pair()))
    try:
        up = subprocess.run(
            [BED / "slack-up"], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if up.returncode != 0:
            pytest.skip(f"the Slack test bed did not start: {up.stderr[-300:]}")
        yield _bed(dict(_SETTING.findall(up.stdout)))
        if not up.stdout.startswith("already up"):
            _run("slack-down", environment)
    finally:
        if own:
            shutil.rmtree(own, ignore_errors=True)


def _or_skip() -> None:
    if not (BED / "slack-up").is_file():
        pytest.skip("there is no Slack test bed beside the checkout")
    if missing := [name for name in ("node", "npm", "bash") if shutil.which(name) is None]:
        pytest.skip(f"the Slack test bed needs {', '.join(missing)}")


def _run(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BED / script], env=environment, capture_output=True, text=True, timeout=120, check=False)


def _bed(settings: dict[str, str]) -> SlackBed:
    return SlackBed(
        settings["SLACK_API_URL"],
        settings["SLACK_CONTROL_URL"],
        settings["SLACK_BOT_TOKEN"],
        settings["SLACK_APP_TOKEN"],
        settings["SLACK_SIGNING_SECRET"],
    )


def _free_pair() -> int:
    """A port that is free with the next one, as the bed takes both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
