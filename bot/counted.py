"""Every answer is counted, timed and logged, whatever way it came in; what was said is not."""

import time

import structlog

from bot.adapters import Answerer
from bot.messages import Message
from bot.metrics import Metrics
from bot.replies import Reply

log = structlog.get_logger(__name__)


class Counted:
    """An Answerer around another."""

    def __init__(self, inner: Answerer, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    async def answer(self, message: Message) -> tuple[Reply, ...]:
        begun = time.perf_counter()
        try:
            replies = await self._inner.answer(message)
        except Exception:
            self._metrics.failed("answer")
            raise
        seconds = time.perf_counter() - begun
        for reply in replies:
            self._metrics.answered(reply.intent, reply.outcome, seconds)
            log.info(
                "message.answered",
                message=message.id,
                person=message.person,
                intent=reply.intent,
                outcome=reply.outcome,
                took_ms=round(seconds * 1000),
            )
        return replies
