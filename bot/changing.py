"""What every change goes through: its plan is shown, and asked for."""

from bot.handlers.asking import Ask
from bot.replies import Column as Col
from bot.replies import Fields, Outcome, Reply, Table, Text
from engines.plans import Plan


async def propose(ask: Ask, plan: Plan) -> Reply:
    """The plan, shown. Nothing runs: what asks for it comes with the requests."""
    lead = Text(plan.title, "heading")
    checks = tuple((check.name, "well" if check.well else "not well", check.detail) for check in plan.checks)
    columns = (Col("check", "check"), Col("state", "state"), Col("detail", "detail"))
    steps = Table((Col("step", "step"),), tuple((step.does,) for step in plan.steps), len(plan.steps), "Steps")
    facts = Fields((*plan.facts, *((("undo", plan.undo),) if plan.undo else ())))
    told = Table(columns, checks, len(checks), "Checks") if checks else Text("Nothing speaks against it.", "note")
    warnings = tuple(Text(words, "warning") for words in plan.warnings)
    outcome: Outcome = "failed" if plan.failed else "incomplete"
    return Reply((lead, *warnings, facts, told, steps), outcome, scope=plan.blast, demo=plan.demo)
