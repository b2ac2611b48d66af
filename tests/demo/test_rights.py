"""Who may ask and who sees what: nothing of another customer ever appears."""

import re
from collections.abc import Iterable

import pytest
from sqlalchemy import text

from bot.adapters.text import render
from bot.replies import File, Reply, to_json
from engines.inventory.kinds import KINDS
from engines.policy import decide
from intents.registry import Intent, load_catalogue
from storage.database import Database
from tests.demo.conftest import NOW, Talk

CATALOGUE = load_catalogue().intents

_NAMES = text(
    """
    SELECT DISTINCT name FROM resource WHERE kind IN
        ('vm', 'volume', 'snapshot', 'project', 'network', 'router', 'security_group', 'host', 'user', 'datastore')
      AND length(name) > 4
      AND (source, coalesce(project_id, external_id)) NOT IN
          (SELECT source, external_id FROM resource WHERE kind = 'project' AND name LIKE 'globex-%')
      AND NOT (coalesce(attrs ->> 'shared', '') = 'true' OR coalesce(attrs ->> 'external', '') = 'true')
    EXCEPT SELECT name FROM resource WHERE (source, project_id) IN
          (SELECT source, external_id FROM resource WHERE kind = 'project' AND name LIKE 'globex-%')
    EXCEPT SELECT derived ->> key
    FROM resource, (VALUES ('created_by'), ('vm'), ('volume'), ('host'), ('user'), ('group')) k(key)
    WHERE (source, project_id) IN
          (SELECT source, external_id FROM resource WHERE kind = 'project' AND name LIKE 'globex-%')
    EXCEPT SELECT attrs ->> 'host' FROM resource WHERE (source, project_id) IN
          (SELECT source, external_id FROM resource WHERE kind = 'project' AND name LIKE 'globex-%')
    """
)


@pytest.mark.parametrize("intent", CATALOGUE.values(), ids=lambda intent: intent.name)
def test_nobody_may_anything_without_a_role(intent: Intent) -> None:
    assert not decide(intent.name, intent.risk, ()).allowed
    assert not decide(intent.name, intent.risk, ("janitor",)).allowed
    assert not decide(intent.name, "unheard of", ("superadmin",)).allowed


async def test_a_person_without_a_role_or_disabled_is_refused(talk: Talk) -> None:
    assert (await talk("how many vms are there", "nobody")).outcome == "not_allowed"
    assert (await talk("how many vms are there", "gone")).outcome == "not_allowed"
    assert (await talk("how many vms are there", "stranger")).outcome == "not_allowed"


async def test_a_viewer_starts_no_sync(talk: Talk) -> None:
    reply = await talk("sync openstack now", "gina")
    assert reply.outcome == "not_allowed"
    assert "operator" in render(reply, NOW)


def questions(foreign: Iterable[str]) -> list[str]:
    """Every read that is built, every kind, and other people's names in all places."""
    asked = [example for intent in CATALOGUE.values() if intent.risk == "read" for example in intent.examples]
    asked += [f"list {kind.plural}" for kind in KINDS.values()] + [f"how many {kind.plural}" for kind in KINDS.values()]
    asked += [f"{kind.plural} per {by}" for kind in KINDS.values() for by in ("project", "domain", "host", "state")]
    for name in foreign:
        asked += [f"show {name}", f"find {name}", f"list vms in {name}", f"history of {name}", f"quota for {name}"]
        asked += [f"who owns {name}", f"snapshots of {name}", f"find {name[:4]}"]
    return [*asked, "export all vms as csv", "export all volumes as json", "what changed this week",
            "what was deleted this week", "top 20 projects by memory", "top 10 vms by memory", "overview"]  # fmt: skip


def all_of(reply: Reply) -> str:
    files = " ".join(part.content.decode(errors="replace") for part in reply.parts if isinstance(part, File))
    return f"{render(reply, NOW, width=400)} {to_json(reply)} {files}"


async def test_nothing_foreign_is_ever_told(inventory: Database) -> None:
    async with inventory.connect() as conn:
        foreign = sorted(str(name) for name in await conn.scalars(_NAMES))
    assert len(foreign) > 50
    sample = [name for name in foreign if re.fullmatch(r"[\w.-]+", name)][::17]
    talk = Talk(inventory, "gina")
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])" for name in foreign))
    said_so_far = ""  # the audit record shows people what they said themselves
    for said in questions(sample):
        said_so_far += said.casefold()
        for reply in await talk.all(said):
            told = all_of(reply)
            leaked = {name for name in pattern.findall(told) if name.casefold() not in said_so_far}
            assert not leaked, (said, leaked, told[:2000])


async def test_a_foreign_name_is_answered_like_nonsense(inventory: Database) -> None:
    talk = Talk(inventory, "gina")
    for said in ("find {}", "show {}", "show vm {}", "who owns {}", "history of vm {}"):
        foreign = render(await talk(said.format("prod-db-04")), NOW).replace("prod-db-04", "X")
        nonsense = render(await talk(said.format("qqqq-zz-04")), NOW).replace("qqqq-zz-04", "X")
        assert foreign == nonsense


async def test_the_same_counts_as_a_list_for_everybody(inventory: Database) -> None:
    for person in ("local", "gina"):
        talk = Talk(inventory, person)
        for kind in KINDS.values():
            counted, listed = await talk(f"how many {kind.plural}"), await talk(f"list {kind.plural}")
            if "ambiguous" in (counted.outcome, listed.outcome):
                continue
            number = re.search(r"\d[\d,]*", render(counted, NOW))
            told = render(listed, NOW)
            assert number is None or number[0] == "0" or number[0] in told.split("\n")[0], (kind.name, told[:200])
