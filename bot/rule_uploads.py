"""A file of change rules that an administrator drops into a conversation: checked, compared, asked to be in force."""

from dataclasses import replace

from bot.changing import propose
from bot.handlers.asking import Ask
from bot.messages import Upload
from bot.replies import Reply, Text
from engines.changes import rule_sets
from engines.changes.rule_files import RuleFileError, parse
from engines.policy import decide

NAMES = ("change-rules.yaml", "change-rules.yml")


def is_rules(upload: Upload) -> bool:
    return upload.name.casefold() in NAMES


async def answer(ask: Ask, upload: Upload) -> Reply:
    """The plan that puts them in force; or where the mistake is. Only administrators learn anything of the rules."""
    verdict = decide(rule_sets.KIND, "approve", ask.who.everywhere)
    if not verdict.allowed:
        lead = Text("You may not change the rules of changes.", "heading")
        return Reply((lead, Text(f"It needs the role {verdict.needs}, held everywhere.")), "not_allowed", private=True)
    try:
        rules = parse(upload.content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _wrong("it is not text in UTF-8")
    except RuleFileError as error:
        return _wrong(str(error))
    before = await rule_sets.current(ask.conn)
    if before == rules:
        return Reply((Text("These rules are in force already.", "heading"),), private=True)
    reply = await propose(ask, rule_sets.plan(before, rules))
    return replace(reply, intent=rule_sets.KIND)


def _wrong(what: str) -> Reply:
    lead = Text("These rules cannot be put in force.", "heading")
    told = Text(f"{what[0].upper()}{what[1:]}.")
    return Reply((lead, told, Text("Nothing was changed. stackhand changes rules check FILE says the same.")), "failed")
