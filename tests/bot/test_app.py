"""What is put together, as far as it can be seen without starting it."""

from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import Parts, Process, Storage, _add_page, cloud_secrets, known_secrets, open_acting_clouds, open_clouds
from bot.metrics import Metrics
from bot.pipeline import Pipeline
from bot.replies import Choice
from bot.service import bind
from bot.settings import Settings
from bot.starters import STARTERS, starters
from engines.clouds.acting import ActError
from engines.clouds.opened import OpenedClouds
from intents.matcher import Matcher
from intents.names import Names
from intents.registry import load_catalogue
from storage.database import Database


def refused(source: str) -> ActError:
    return ActError("refused", source)


@pytest.mark.parametrize("said", [choice.said for choice in STARTERS])
async def test_what_the_page_offers_is_understood_and_answered(said: str, database: Database) -> None:
    import datetime

    now = datetime.datetime.now(datetime.UTC)
    reading = Matcher(load_catalogue()).read(said, Names(), now)
    assert reading.intent is not None and reading.ask is None, reading
    assert reading.intent in Pipeline(database)._handlers.by_intent


@pytest.mark.parametrize("demo", [False, True])
async def test_only_a_demo_lets_the_page_speak_as_others(demo: bool, database: Database) -> None:
    app, pipeline = web.Application(), Pipeline(database)
    parts = Parts(page=True, worker=False, demo=demo)
    with bind("127.0.0.1", 0) as taken:
        assert await _add_page(
            app,
            Process(Settings(), parts, Storage(database), (), taken, Metrics(), OpenedClouds({}, refused)),
            pipeline,
        )
    paths = {resource.canonical for resource in app.router.resources()}
    assert "/ws" in paths and ("/speak-as" in paths) is demo


def test_a_demo_offers_changes_too_and_help_stays_last(monkeypatch: pytest.MonkeyPatch) -> None:
    change = Choice("Snapshot a VM", "snapshot web-01")
    monkeypatch.setattr("bot.starters.DEMO_STARTERS", (change,))
    assert starters(demo=False) == STARTERS
    offered = starters(demo=True)
    assert len(offered) == len(STARTERS) and offered[-2:] == (change, STARTERS[-1])


def test_every_secret_is_known_to_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text("clouds: {a: {auth: {username: u, password: p-4711}}}")
    clouds.with_name("secure.yaml").write_text("clouds: {b: {auth: {application_credential_secret: s-4711}}}")
    monkeypatch.setenv("PGPASSWORD", "g-4711")
    settings = Settings(database_url=SecretStr("postgresql://u:d%404711@h/n"), clouds_file=clouds)
    assert {"d%404711", "d@4711", "g-4711"} <= set(known_secrets(settings))
    assert set(cloud_secrets(settings)) == {"p-4711", "s-4711"}


@pytest.mark.parametrize("content", ["{", "[1]", "clouds: 3", ""])
def test_a_broken_clouds_file_is_no_matter_for_the_log(tmp_path: Path, content: str) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(content)
    assert cloud_secrets(Settings(clouds_file=clouds)) == ()


@pytest.mark.parametrize(
    ("service", "sources"), [("", ["a", "a-service"]), ("a=a-service", ["a"]), ("a=a", ["a", "a-service"])]
)
async def test_a_service_user_is_no_cloud_of_its_own(tmp_path: Path, service: str, sources: list[str]) -> None:
    auth = "{auth_url: http://127.0.0.1:9/v3, username: u, password: p, project_name: x}"
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(f"clouds: {{a: {{auth: {auth}}}, a-service: {{auth: {auth}}}}}")
    settings = Settings(clouds_file=clouds, service_clouds=service)
    assert [cloud.source for cloud in open_clouds(settings)] == sources
    assert list(open_acting_clouds(settings).sources) == (["a"] if service else [])
