"""What Bolt calls for each delivery of the inbox. A listener leaves what is to be said in the context."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import SURFACE, drafts, hearing
from bot.adapters.slack import deliveries as d
from bot.adapters.slack.answering import Answering, excuse
from bot.adapters.slack.calls import calling
from bot.adapters.slack.hearing import Heard
from bot.adapters.slack.home import home_view
from bot.adapters.slack.modals import FEEDBACK, feedback_of, feedback_view
from bot.messages import Channel, Message
from bot.receiving import TryAgain
from bot.replies import Reply
from bot.sending import HeldError, LostError, RefusedError
from bot.starters import STARTERS
from storage import audit, exchanges
from storage.database import Database
from storage.inbox import Taken
from storage.outbox import Draft

log = structlog.get_logger(__name__)

AsyncNext = Callable[[], Awaitable[None]]

COMMAND = "/stackhand"
_SAYS = re.compile(r"(say|menu):.+", re.S)
_ANYTHING = re.compile(r".*", re.S)  # what is not known must not reach Bolt's log, which prints bodies
_MOST_PROMPTS = 4
_ON_HOME = ("whoami", "status", "help")


class Listeners:
    """Hands deliveries to Bolt, and has what each kind of them does."""

    def __init__(self, client: AsyncWebClient, answering: Answering, database: Database) -> None:
        self._client = client
        self._answering = answering
        self._database = database
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
        self._bolt.shortcut(FEEDBACK)(self._open_feedback)
        self._bolt.view(FEEDBACK)(self._feedback)
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
        error = request.context.get("failed")
        if error is not None:
            raise error
        if response.status != 200 or "reached" not in request.context:  # Slack did not say who we are
            raise TryAgain("Slack did not authorise the app")
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
        await self._say(context, hearing.click)

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
        prompts = [{"title": one.label, "message": one.said} for one in STARTERS[:_MOST_PROMPTS]]
        call = self._client.assistant_threads_setSuggestedPrompts(
            channel_id=thread["channel_id"], thread_ts=thread["thread_ts"], prompts=prompts
        )
        try:
            await calling("assistant.threads.setSuggestedPrompts", call)
        except (HeldError, LostError, RefusedError) as error:  # they are an offer: nothing is lost
            log.info("prompts.not_shown", reason=str(error))

    async def _home(self, context: AsyncBoltContext) -> None:
        """What the person would be answered, on one page."""
        taken: Taken = context["taken"]
        team, user = d.origin(taken.body).team, d.text_of(taken.body, "event", "user")
        heard = Heard(taken.key, team, user, "", taken.conversation, "", taken.received_at, direct=True)
        person = await self._answering.person(heard)
        if person is None:
            return
        replies = [person] if isinstance(person, Reply) else await self._on_home(heard, person)
        view = await asyncio.to_thread(home_view, replies, now=datetime.now(UTC))
        context["drafts"].append(drafts.home(team, user, taken.key, view))

    async def _on_home(self, heard: Heard, person: str) -> list[Reply]:
        found: list[Reply] = []
        for number, said in enumerate(_ON_HOME):
            message = Message(
                f"{heard.key}#{number}", person, heard.conversation, said, heard.at,
                channel=Channel(SURFACE, heard.user), account=heard.account,
            )  # fmt: skip
            found += await self._answering.replies(message)
        return found

    async def _open_feedback(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """A form has to be opened within three seconds: it goes past the outbox."""
        await ack()
        taken: Taken = context["taken"]
        team, channel = d.origin(taken.body).team, d.text_of(taken.body, "channel", "id")
        thread = d.text_of(taken.body, "message", "thread_ts")
        if not thread and not channel.startswith("D"):
            thread = d.text_of(taken.body, "message", "ts")
        view = feedback_view(d.conversation(team, channel, thread))
        call = self._client.views_open(trigger_id=d.text_of(taken.body, "trigger_id"), view=view)
        try:
            await calling("views.open", call)
        except (HeldError, LostError, RefusedError) as error:  # the person sees that nothing opens, and tries again
            log.warning("form.not_opened", reason=str(error))

    async def _feedback(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        taken: Taken = context["taken"]
        await ack()
        given = feedback_of(taken.body.get("view"))
        team, user = d.origin(taken.body).team, d.text_of(taken.body, "user", "id")
        heard = Heard(taken.key, team, user, "", taken.conversation, "", taken.received_at, direct=True)
        person = await self._answering.person(heard)
        if given is None or not isinstance(person, str):
            return
        said = await self._judge(heard, person, *given)
        context["drafts"].append(drafts.privately(heard, f"{taken.key}#0", drafts.plain_post(said)))

    async def _judge(self, heard: Heard, person: str, conversation: str, good: bool, remark: str) -> str:
        """Keep it beside the person's own last answer there, and nobody else's."""
        async with self._database.begin() as conn:
            last = next(iter(await exchanges.recent(conn, conversation, person, 1)), None)
            if last is not None:
                await exchanges.judge(conn, last.id, good, remark)
            detail = {"surface": SURFACE, "account": heard.account, "conversation": conversation, "good": good}
            outcome = "answered" if last else "not_found"
            await audit.record(conn, person=person, action="feedback", outcome=outcome, detail=detail)
        if last is None:
            return "There is no answer of mine to you in that thread."
        return "Thank you, noted." if good else f"Noted that the answer to “{last.said[:200]}” was wrong."


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
