"""The page of all that can be asked, made from the catalogue, the policy and the handlers that exist."""

from collections.abc import Collection

from engines.policy import decide
from intents.registry import Catalogue, Intent

_RISKS = {
    "read": "answered at once",
    "write": "done at once, recorded",
    "confirm": "shown as a plan, the asker confirms",
    "approve": "shown as a plan, somebody else approves",
}
_HEAD = """# What can be asked

Made by `stackhand intents docs` from the program itself. Say it in your own words: the examples are two of a hundred
ways. A name that could mean several things is asked back, and nothing is started by talk about it.
"""


def page(catalogue: Catalogue, built: Collection[str]) -> str:
    """Markdown; `built` are the intents that have a handler."""
    count = sum(name in built for name in catalogue.intents)
    lead = f"{_HEAD}\n{count} of {len(catalogue.intents)} can be answered so far; of the others it says so.\n"
    return "\n".join([lead, *(_topic(catalogue, topic, built) for topic in catalogue.topics)])


def _topic(catalogue: Catalogue, topic: str, built: Collection[str]) -> str:
    return "\n".join([f"## {topic}\n", *(_intent(one, one.name in built) for one in catalogue.of_topic(topic))])


def _intent(intent: Intent, built: bool) -> str:
    needs = decide(intent.name, intent.risk, ()).needs or "nobody"
    lines = [
        f"### `{intent.name}`" + ("" if built else " (not built yet)"),
        "",
        f"{intent.does[0].upper()}{intent.does[1:]}.",
        "",
        f"- Risk: {intent.risk}, {_RISKS[intent.risk]}",
        f"- Who may: {needs} and above" if needs != "superadmin" else "- Who may: superadmin",
        *_slots("Needs", intent.required),
        *_slots("Takes", intent.optional),
        "- Say: " + ", or ".join(f"“{example}”" for example in intent.examples),
        "",
    ]
    return "\n".join(lines)


def _slots(lead: str, names: Collection[str]) -> list[str]:
    return [f"- {lead}: {', '.join(f'`{name}`' for name in names)}"] if names else []
