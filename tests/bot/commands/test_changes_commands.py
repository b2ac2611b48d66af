"""`approvals` and `changes rules`: the same decisions from a terminal, and rules as a file with mistakes told."""

import asyncio
import json
import os
from pathlib import Path

from storage.database import Database
from tests.bot.conftest import Run, is_one_line
from tests.engines.changes.house import asked, furnish

RULES = "rules:\n- {kind: vm_reboot, mode: approve, approvers: 1, approver_role: technical}\n"


async def _prepared(url: str) -> None:
    database = Database(url)
    await furnish(database)
    await asked(database)
    await asked(database)
    await database.close()


def test_requests_are_decided_from_a_terminal(run: Run, database_url: str) -> None:
    asyncio.run(_prepared(database_url))
    os.environ["STACKHAND_DATABASE_URL"] = database_url
    try:
        code, out, _ = run("approvals", "list")
        assert code == 0 and "REQ-1" in out and "REQ-2" in out
        code, out, _ = run("ask", "approve REQ-1", "--as", "bob")
        assert code == 1 and "You asked for this" in out
        code, out, _ = run("ask", "approve REQ-1", "--as", "carol", "--json")
        told = json.loads(out)
        assert code == 0 and told["request"] == "REQ-1" and told["intent"] == "approve"
        assert "Approved by Carol" in told["said"][0]["text"]
        code, out, _ = run("approvals", "deny", "REQ-2", "not now", "--as", "dave")
        assert code == 0 and "Denied by Dave" in out and "Reason: not now" in out
        code, out, _ = run("approvals", "show", "REQ-2", "--as", "gus")
        assert code == 1 and "I know no request REQ-2" in out and "web-01" not in out
        code, out, _ = run("approvals", "withdraw", "REQ-2", "--as", "bob")
        assert code == 1 and "was denied by Dave" in out
    finally:
        del os.environ["STACKHAND_DATABASE_URL"]


def test_rules_are_checked_loaded_and_shown(run: Run, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "change-rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    assert run("changes", "rules", "check", str(file))[1] == f"{file} is in order: 1 rules\n"
    os.environ["STACKHAND_DATABASE_URL"] = database_url
    try:
        code, out, _ = run("changes", "rules", "show", "--no-defaults")
        assert code == 0 and out.strip() == "rules: []"
        code, out, _ = run("changes", "rules", "load", str(file))
        assert code == 0 and "+- kind: vm_reboot" in out and "1 rules are in force now" in out
        code, out, _ = run("changes", "rules", "show")
        assert code == 0 and "- kind: vm_reboot" in out and "# - kind:" in out
        kept = tmp_path / "again.yaml"
        kept.write_text(out, encoding="utf-8")
        assert run("changes", "rules", "check", str(kept))[0] == 0
    finally:
        del os.environ["STACKHAND_DATABASE_URL"]


def test_a_file_with_a_mistake_is_one_line_with_its_place(run: Run, tmp_path: Path) -> None:
    for content, told in ((b"rules:\n- kind: x\n  mode: forbid", "line 2"), (b"\xff", "UTF-8"), (b"", "line 1")):
        file = tmp_path / "rules.yaml"
        file.write_bytes(content)
        code, _, err = run("changes", "rules", "check", str(file))
        assert code == 1 and is_one_line(err) and told in err
    code, _, err = run("changes", "rules", "check", str(tmp_path / "none.yaml"))
    assert code == 1 and is_one_line(err) and "cannot be read" in err
