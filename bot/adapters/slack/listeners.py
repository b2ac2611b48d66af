"""What Bolt calls for each delivery of the inbox. A listener leaves what is to be said in the context."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import SURFACE, drafts, hearing
from bot.adapters.slack import deliveries as d
from bot.adapters.slack.answering import Answering, excuse
from bot.adapters.slack.calls import again, calling
from bot.adapters.slack.hearing import Heard
from bot.adapters.slack.modals import WORDS, ask_modal, decision_modal, feedback_modal, secret_view, waiting_view
from bot.adapters.slack.openings import Openings, prompts, refusal
from bot.deciding import FORM_WORDS, NEEDS_FORM, REVEALS
from bot.page_links import SHOWS
from bot.receiving import TryAgain
from bot.replies import Reply
from bot.sending import HeldError, LostError, RefusedError
from storage import audit, exchanges
from storage.database import Database
from storage.inbox import Taken
from storage.outbox import Draft

log = structlog.get_logger(__name__)

AsyncNext = Callable[[], Awaitable[None]]

COMMAND = "/stackhand"
_SAYS = re.compile(r"(say|menu):.+", re.S)
_ANYTHING = re.compile(r".*", re.S)  # what is not known must not reach Bolt's log, which prints bodies


class Listeners:
    """Hands deliveries to Bolt, and has what each kind of them does."""

    def __init__(self, client: AsyncWebClient, answering: Answering, database: Database) -> None:
        self._client = client
        self._answering = answering
        self._database = database
        self._openings = Openings(database)
        # Everything was verified and acknowledged at the edge; here Bolt runs a listener to its end.
        self._bolt = AsyncApp(
            client=client, process_before_response=True, request_verification_enabled=False,
            ssl_check_enabled=False, url_verification_enabled=False,
        )  # fmt: skip
        self._bolt.event("message")(self._message)
        self._bolt.event("app_mention")(self._message)
        self._bolt.event("app_home_opened")(self._home)
        self._bolt.event("assistant_thread_started")(self._assistant)
        self._bolt.command(_ANYTHING)(self._command)
        self._bolt.action(_SAYS)(self._click)
        self._bolt.action(_ANYTHING)(self._pressed)
        self._bolt.shortcut("feedback")(self._open_feedback)
        self._bolt.shortcut("ask")(self._open_ask)
        self._bolt.view("feedback")(self._feedback)
        self._bolt.view("ask")(self._asked)
        self._bolt.view("reason")(self._reasoned)
        self._bolt.shortcut(_ANYTHING)(self._pressed)
        self._bolt.view(_ANYTHING)(self._pressed)
        self._bolt.use(self._reached)
        self._bolt.error(self._failed)

    @property
    def bolt(self) -> AsyncApp:
        return self._bolt

    async def handle(self, taken: Taken) -> Sequence[Draft]:
        """What is to be said about a delivery. Raises what its listener raised."""
        found: list[Draft] = []
        context = {"taken": taken, "drafts": found}
        request = AsyncBoltRequest(mode="socket_mode", body=dict(taken.body), context=context)
        response = await self._bolt.async_dispatch(request)
        if "reached" not in request.context:  # also when Bolt apologises with 200: Slack did not say who we are
            raise TryAgain("Slack did not authorise the app")
        error = request.context.get("failed")
        if error is not None:
            raise error
        if response.status != 200:
            raise RuntimeError(f"no listener took it: {response.status}")
        return found

    def excuse(self, taken: Taken) -> Sequence[Draft]:
        heard = _heard(taken)
        return excuse(heard) if heard is not None else ()

    async def _reached(self, context: AsyncBoltContext, next: AsyncNext) -> None:  # noqa: A002 - Bolt's name
        context["reached"] = True
        await next()

    async def _failed(self, error: Exception, context: AsyncBoltContext) -> None:
        context["failed"] = error

    async def _message(self, context: AsyncBoltContext) -> None:
        await self._say(context, hearing.message)

    async def _command(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        await self._say(context, hearing.command)

    async def _click(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        taken: Taken = context["taken"]
        said = next((d.text_of(one, "value") for one in d.items_of(taken.body, "actions")), "")
        mark = NEEDS_FORM.fullmatch(said.strip())
        if REVEALS.fullmatch(said.strip()) or SHOWS.fullmatch(said.strip()):
            await self._reveal(taken, said.strip())
        elif mark is None or not await self._open(taken, decision_modal(_home_of(taken, said), verb=mark[1])):
            await self._say(context, hearing.click)

    async def _reveal(self, taken: Taken, said: str) -> None:
        """Into a window that is open already: a message would be kept on its way, and by Slack. What nobody could be
        shown is not asked for."""
        heard = replace(_somebody(taken, d.text_of(taken.body, "user", "id")), text=said, clicked=True)
        call = self._client.views_open(trigger_id=d.text_of(taken.body, "trigger_id"), view=waiting_view())
        try:
            window = await calling("views.open", call)
            view = secret_view(await self._answering.unseen(heard))
            await again(lambda: self._client.views_update(view_id=d.text_of(window, "view", "id"), view=view))
        except (HeldError, LostError, RefusedError) as error:
            log.warning("window.not_shown", reason=str(error))

    async def _reasoned(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """What was typed into a form is a click of its own, in the place of the button."""
        await ack()
        taken: Taken = context["taken"]
        kept = _kept(d.text_of(taken.body, "view", "private_metadata"))
        mark = NEEDS_FORM.fullmatch(kept.get("said", ""))
        if mark is None:
            return
        user = d.text_of(taken.body, "user", "id")
        heard = replace(
            _somebody(taken, user), text=f"{kept['said']} {FORM_WORDS[mark[1]]} {_typed(taken)}", clicked=True,
            channel=kept.get("channel", ""), thread=kept.get("thread", ""),
            direct=not kept.get("channel") or kept["channel"].startswith("D"),
            conversation=kept.get("conversation") or taken.conversation,
        )  # fmt: skip
        context["drafts"].extend(await self._answering.answer(heard))

    async def _pressed(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """A button that only opens a page, or one of an older version."""
        await ack()

    async def _say(self, context: AsyncBoltContext, read: hearing.Read) -> None:
        taken: Taken = context["taken"]
        heard = read(taken.key, taken.conversation, taken.body, hearing.said_at(taken.body, taken.received_at))
        if heard is None:
            return
        status = asyncio.create_task(self._status(heard))
        try:
            context["drafts"].extend(await self._answering.answer(heard))
        finally:
            status.cancel()

    async def _status(self, heard: Heard) -> None:
        """In an assistant thread Slack shows that something is being done, until an answer comes."""
        if not (heard.direct and heard.thread):
            return
        try:
            call = self._client.assistant_threads_setStatus(
                channel_id=heard.channel, thread_ts=heard.thread, status="is looking …"
            )
            await calling("assistant.threads.setStatus", call)
        except (HeldError, LostError, RefusedError) as error:  # a plain thread, or a workspace without assistants
            log.debug("status.not_shown", reason=str(error))

    async def _assistant(self, context: AsyncBoltContext) -> None:
        thread = context["taken"].body["event"]["assistant_thread"]
        call = self._client.assistant_threads_setSuggestedPrompts(
            channel_id=thread["channel_id"], thread_ts=thread["thread_ts"], prompts=prompts()
        )
        try:
            await calling("assistant.threads.setSuggestedPrompts", call)
        except (HeldError, LostError, RefusedError) as error:  # they are an offer: nothing is lost
            log.info("prompts.not_shown", reason=str(error))

    async def _home(self, context: AsyncBoltContext) -> None:
        taken: Taken = context["taken"]
        heard = _somebody(taken, d.text_of(taken.body, "event", "user"))
        person = await self._answering.person(heard)
        if person is not None:
            view = await self._openings.home(person, datetime.now(UTC))
            context["drafts"].append(drafts.home(heard.team, heard.user, taken.key, view))

    async def _open_ask(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        await self._open(context["taken"], ask_modal(""))

    async def _open_feedback(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """On the last answer to the person in the thread of the message."""
        await ack()
        taken: Taken = context["taken"]
        team, channel = d.origin(taken.body).team, d.text_of(taken.body, "channel", "id")
        thread = d.text_of(taken.body, "message", "thread_ts")
        if not thread and not channel.startswith("D"):
            thread = d.text_of(taken.body, "message", "ts")
        await self._open(taken, feedback_modal(d.conversation(team, channel, thread)))

    async def _open(self, taken: Taken, view: dict[str, Any]) -> bool:
        """It has to be opened within three seconds: it goes past the outbox. Whoever is not known is told there.
        False when nothing opened."""
        person = await self._answering.person(_somebody(taken, d.text_of(taken.body, "user", "id")))
        if person is None:
            return True
        shown = refusal(person) if isinstance(person, Reply) else view
        call = self._client.views_open(trigger_id=d.text_of(taken.body, "trigger_id"), view=shown)
        try:
            await calling("views.open", call)
        except (HeldError, LostError, RefusedError) as error:  # the person sees that nothing opens, and tries again
            log.warning("form.not_opened", reason=str(error))
            return False
        return True

    async def _asked(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """The question of a form is answered in the person's direct messages."""
        await ack()
        taken: Taken = context["taken"]
        heard = replace(_somebody(taken, d.text_of(taken.body, "user", "id")), text=_typed(taken))
        context["drafts"].extend(await self._answering.answer(heard))

    async def _feedback(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        taken: Taken = context["taken"]
        heard = _somebody(taken, d.text_of(taken.body, "user", "id"))
        person = await self._answering.person(heard)
        if isinstance(person, str):
            conversation = d.text_of(taken.body, "view", "private_metadata")
            said = await self._judge(heard, person, conversation, _typed(taken))
            context["drafts"].append(drafts.privately(heard, f"{taken.key}#0", drafts.plain_post(said)))

    async def _judge(self, heard: Heard, person: str, conversation: str, remark: str) -> str:
        """Keep it beside the person's own last answer there, and nobody else's."""
        async with self._database.begin() as conn:
            last = next(iter(await exchanges.recent(conn, conversation, person, 1)), None)
            if last is not None:
                await exchanges.judge(conn, last.id, False, remark)
            detail = {"surface": SURFACE, "account": heard.account, "conversation": conversation}
            outcome = "answered" if last else "not_found"
            await audit.record(conn, person=person, action="feedback", outcome=outcome, detail=detail)
        if last is None:
            return "There is no answer of mine to you in that thread."
        return f"Noted that the answer to “{last.said[:200]}” was wrong. Thank you."


def _somebody(taken: Taken, user: str) -> Heard:
    """A person who said nothing; what they are told goes to their direct messages."""
    team = d.origin(taken.body).team
    return Heard(taken.key, team, user, "", taken.conversation, "", taken.received_at, direct=True)


def _home_of(taken: Taken, said: str) -> str:
    """Where the button stood, to be carried through a form."""
    heard = hearing.click(taken.key, taken.conversation, taken.body, taken.received_at)
    place = {"channel": heard.channel, "thread": heard.thread} if heard and not heard.alone else {}
    return json.dumps({"said": said.strip(), "conversation": taken.conversation, **place})


def _kept(metadata: str) -> dict[str, str]:
    """What a form was given; nothing of what we did not write."""
    try:
        told = json.loads(metadata)
    except ValueError:
        return {}
    return {k: v for k, v in told.items() if isinstance(v, str)} if isinstance(told, dict) else {}


def _typed(taken: Taken) -> str:
    """What stands in the form's one field, of bounded length."""
    view = taken.body.get("view")
    values = view.get("state", {}).get("values", {}) if isinstance(view, dict) else {}
    return d.text_of(values, WORDS, WORDS, "value")[: d.MOST_CHARACTERS].strip()


def _heard(taken: Taken) -> Heard | None:
    """Who has to be told when it failed; None for what nobody asked in words."""
    at = hearing.said_at(taken.body, taken.received_at)
    if d.text_of(taken.body, "command"):
        return hearing.command(taken.key, taken.conversation, taken.body, at)
    if d.text_of(taken.body, "type") == "block_actions":
        return hearing.click(taken.key, taken.conversation, taken.body, at)
    if d.text_of(taken.body, "event", "type") in ("message", "app_mention"):
        return hearing.message(taken.key, taken.conversation, taken.body, at)
    return None
