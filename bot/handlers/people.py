"""People of Stackhand: who you are, and roles that are given and taken. A change is shown first, then confirmed."""

import hashlib
from collections.abc import Sequence

from bot import page_links
from bot.granting import CONFIRMED, HOUSE
from bot.handlers.asking import Ask, refs
from bot.handlers.registry import answers
from bot.naming import marked
from bot.people import LOCAL, grant_words, grants_told
from bot.replies import Choice, Choices, Fields, Outcome, Reply, Text
from engines.policy import ROLES
from intents.readings import Name
from storage import audit, exchanges, people
from storage.inventory import totals
from storage.people import Grant, Person


@answers("whoami")
async def whoami(ask: Ask) -> Reply:
    """Who asks; and the way to the page as that person."""
    wanted = page_links.wanted(ask.reading)
    if wanted is not None:
        return await page_links.link_for(ask, wanted)
    allowed = [i for i in ask.catalogue.intents.values() if i.name in ask.answered and ask.who.may(i).allowed]
    numbers = await totals(ask.conn, ask.who.scope)
    scope = ask.who.scope
    sees = "everything" if scope.everything else f"{len(scope.projects)} project(s)"
    here = " (this machine)" if ask.who.id == LOCAL else ""
    held = [words + here for words in await grants_told(ask.conn, ask.who.scope, ask.who.held)]
    accounts = await people.accounts_of(ask.conn, [ask.who.id])
    pairs = (
        ("person", ask.who.id),
        ("roles", "; ".join(held) or "none: an administrator can give you one"),
        ("sees", f"{sees}: {numbers.get('vm', 0):,} VMs in {numbers.get('project', 0):,} projects"),
        ("may ask", f"{len(allowed)} of {len(ask.answered)} kinds of question"),
        ("accounts", ", ".join(f"{surface} {id_}" for surface, id_ in accounts.get(ask.who.id, ())) or "this one"),
    )
    return Reply((Text(f"You are {ask.who.name}.", "heading"), Fields(pairs), *page_links.offer(ask)), scope="you")


async def _in_words(ask: Ask, grant: Grant) -> str:
    return (await grants_told(ask.conn, ask.who.scope, [grant]))[0]


@answers("role_grant")
async def role_grant(ask: Ask, user: Name, role: Name, project: Name | None) -> Reply:
    """Everywhere or on a project. Nobody raises themselves."""
    person = await _person(ask, user)
    if isinstance(person, Reply):
        return person
    if role.name not in ROLES:
        return _refused(f"There is no role “{role.name}” in Stackhand.", f"The roles are: {', '.join(ROLES)}.")
    if person.id == ask.who.id:
        return _refused("You cannot give a role to yourself.", "Another superadmin can.", "not_allowed")
    if not person.active:
        return _refused(f"{person.name} is disabled.", f"First: stackhand people enable {person.id}")
    place = refs(project)
    given = Grant(role.name, *(place[0] if place else (None, None)))
    if given in person.grants:
        return _refused(
            f"{_who(person)} is {await _in_words(ask, given)} already.", "Nothing is to be done.", "answered"
        )
    where = f" in {marked('project', project.name, project.source, project.id)}" if project else ""
    said = f"grant {_marked(person)} the {role.name} role{where}"
    if not await _is_confirmed(ask, said, person, [given]):
        return await _preview(ask, f"{_who(person)} would get a role", person, [given], said)
    await people.grant(ask.conn, person.id, given, ask.who.id)
    await _record(ask, "role.grant", person, [given])
    undo = Choices((Choice("take it back", f"revoke the {role.name} role from {_marked(person)}"),))
    told = Text(f"{_who(person)} is {await _in_words(ask, given)} now.", "heading")
    return Reply((told, undo), scope="roles in Stackhand")


@answers("role_revoke")
async def role_revoke(ask: Ask, user: Name, role: Name | None) -> Reply:
    """One role wherever it is held, or all of them; what the directory gave is the directory's to take."""
    await people.lock_rights(ask.conn)
    person = await _person(ask, user)
    if isinstance(person, Reply):
        return person
    meant = [grant for grant in person.grants if role is None or grant.role == role.name]
    taken = [grant for grant in meant if grant.via == "hand"]
    if not taken:
        why = (
            "It comes from the directory: change the group there."
            if meant
            else "stackhand people list shows who is what."
        )
        return _refused(f"{_who(person)} holds no {role.name if role else 'role'} that I could take away.", why)
    if Grant("superadmin") in taken and not await people.others_hold_everything(ask.conn, person.id):
        return _refused(f"{person.name} is the last superadmin.", "Make somebody else superadmin first.", "not_allowed")
    said = f"revoke the {role.name} role from {_marked(person)}" if role else f"revoke all roles of {_marked(person)}"
    if not await _is_confirmed(ask, said, person, taken):
        return await _preview(ask, f"{_who(person)} would lose", person, taken, said)
    for grant in taken:
        await people.revoke(ask.conn, person.id, grant)
    await _record(ask, "role.revoke", person, taken)
    lines = "; ".join([await _in_words(ask, grant) for grant in taken])
    told = Text(f"{_who(person)} is no longer {lines}. It counts at once.", "heading")
    return Reply((told,), scope="roles in Stackhand")


async def _person(ask: Ask, user: Name) -> Person | Reply:
    """The one who is meant, as they are now."""
    known = await people.person_by_id(ask.conn, user.id) if user.source == HOUSE and user.id else None
    if known is not None:
        return known
    fix = "Say the id, the e-mail or the whole name. stackhand people list shows everybody, people add makes one known."
    return _refused(f"I know no person “{user.name}”.", fix, "not_found")


async def _preview(ask: Ask, lead: str, person: Person, grants: Sequence[Grant], said: str) -> Reply:
    """Exactly who, which roles, where; and the one button that does it."""
    lines = [await _in_words(ask, grant) for grant in grants]
    person_line = f"{person.id}: {person.name}" + (f", {person.email}" if person.email else "")
    pairs = (("person", person_line), *(("role", line) for line in lines))
    confirm = Choice("yes, do it", f"{said} #confirm/{_digest(ask, person, grants)}")
    note = Text("Nothing was changed yet. The button counts for 15 minutes, for you alone.", "note")
    parts = (Text(f"{lead}:", "heading"), Fields(pairs), Choices((confirm,), "Shall I?"), note)
    return Reply(parts, "incomplete", scope="roles in Stackhand")


def _digest(ask: Ask, person: Person, grants: Sequence[Grant]) -> str:
    """Binds a confirmation to whom, what and where was shown to whom: any change asks anew."""
    told = "\x1f".join([ask.who.id, str(ask.reading.intent), person.id, *sorted(map(repr, grants))])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


async def _is_confirmed(ask: Ask, said: str, person: Person, grants: Sequence[Grant]) -> bool:
    """Whether this is the button of a preview that this person was shown a moment ago, of just this change."""
    digest = _digest(ask, person, grants)
    told = any(one.meant == CONFIRMED and one.words == digest for one in ask.reading.evidence)
    return told and await exchanges.offered(ask.conn, ask.who.id, f"{said} #confirm/{digest}", ask.now)


async def _record(ask: Ask, action: str, person: Person, grants: Sequence[Grant]) -> None:
    detail = {"roles": [grant_words(grant) for grant in grants], "conversation": ask.conversation}
    await audit.record(
        ask.conn, person=ask.who.id, action=action, target=person.id, outcome="done", detail=detail, at=ask.now
    )


def _who(person: Person) -> str:
    return f"{person.name} ({person.id})"


def _marked(person: Person) -> str:
    return marked("user", person.name, HOUSE, person.id)


def _refused(what: str, fix: str, outcome: Outcome = "failed") -> Reply:
    return Reply((Text(what, "heading"), Text(fix)), outcome, scope="roles in Stackhand")
