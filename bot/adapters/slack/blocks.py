"""Reply → messages in Block Kit and files. One card where that can be: the answer first, its age and scope last."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot import charts, formats
from bot.adapters import text
from bot.adapters.slack import elements, escaping, limits, posts, sheets, tables
from bot.adapters.slack.choices import Numbers, choices
from bot.adapters.slack.limits import Block
from bot.adapters.slack.posts import Attachment, Piece, Post, Rendered
from bot.replies import Chart, Choices, Fields, File, Link, Part, Progress, Reply, Secret, Table, Text

__all__ = ["Attachment", "Post", "Rendered", "render"]

_BAR = 20
_FOOTING = 1_500  # characters: a longer one is no last line
_LEAST_TABLE = 3_000  # characters: with less room the table gets a message of its own
_WORD = 500  # characters kept for the word below a table
_WARNING = "⚠️ "
_TEXT_WIDTH = 10_000  # of the file with all that found no room: no column is left out


def render(reply: Reply, *, now: datetime) -> Rendered:
    """A reply as it goes out. Draws pictures and writes workbooks: seconds for a large one, so call it in a thread.

    At least one post; no post exceeds what Slack takes, and what no post shows is told with its number and in a file.
    """
    return _Card(reply, now).rendered()


class _Card:
    """A reply on its way. `files` grows as the parts are drawn, in their order."""

    def __init__(self, reply: Reply, now: datetime) -> None:
        self._reply = reply
        self._now = now
        self._numbers = Numbers()
        self._files: list[Attachment] = []
        sizes = [_size(part) for part in reply.parts]
        self._native = sizes.index(max(sizes)) if any(rows for rows, _ in sizes) else -1  # the table that is native
        self._own_file = next((part for part in reply.parts if isinstance(part, File) and _is_kept(part)), None)

    def rendered(self) -> Rendered:
        parts = self._reply.parts
        drawn = {at: self._part(part) for at, part in enumerate(parts) if at != self._native}
        footing = formats.footing(self._reply, self._now)
        is_short = limits.length(footing) <= _FOOTING
        end = self._end(footing if is_short else "")
        old, below = posts.pieces(self._old()), posts.pieces([] if is_short else elements.context(footing))
        if self._native >= 0:
            taken = sum(piece.weight for found in [*drawn.values(), old, below] for piece in found)
            drawn[self._native] = self._table(parts[self._native], limits.POST - taken - limits.weigh(end))
        lead = 1 if parts and isinstance(parts[0], Text) and parts[0].style == "heading" else len(parts)
        body = [piece for at in range(len(parts)) for piece in ([*old, *drawn[at]] if at == lead else drawn[at])]
        return self._spread([*body, *([] if lead < len(parts) else old), *below], end)

    def _spread(self, body: Sequence[Piece], end: Sequence[Block]) -> Rendered:
        messages, left = posts.pack(body, limits.weigh(end) + limits.CAPTION)
        closing = [*(self._rest(left) if left else []), *end]
        spread = posts.close(messages, closing or ([] if body else elements.context("There is nothing to show.")))
        words = _headline(self._reply)
        told = [words, *[f"… {limits.cut(words, limits.MESSAGE_TEXT // 2)}"] * (len(spread) - 1)]
        return Rendered(tuple(map(Post, told, spread)), tuple(self._files))

    def _rest(self, left: int) -> list[Block]:
        """The whole answer as a text file, and a word on it."""
        name = sheets.free_name("answer", "txt", [file.name for file in self._files])
        told = _without_secrets(self._reply)
        whole = text.render(told, self._now, width=_TEXT_WIDTH) + _what_choices_say(told)
        self._files.append(Attachment(name, "text/plain; charset=utf-8", whole.encode("utf-8", "replace"), title=name))
        return elements.context(
            f"{left} more {'part' if left == 1 else 'parts'} of this answer: all of it is in {name}"
        )

    def _part(self, part: Part) -> list[Piece]:
        match part:
            case Text():
                return posts.pieces(_text(part, failed=self._reply.outcome == "failed"))
            case Fields():
                return posts.pieces([*elements.told("", lead=part.title), *elements.fields(part.pairs)])
            case Table():
                return self._with_word(part, tables.as_text(part, self._now), largest=self._native < 0)
            case Chart():
                return self._chart(part)
            case File():
                return self._file(part)
            case Choices():
                return posts.pieces(choices(part, self._numbers))
            case Progress():
                return posts.pieces(_progress(part))
            case Secret():  # messages are kept on their way and in Slack: only a window shows one
                return posts.pieces(elements.context(f"{part.label}: {formats.secret(Secret(part.label))}"))
            case Link():
                return posts.pieces(elements.link(part.label, part.to))

    def _table(self, part: Part, room: int) -> list[Piece]:
        if not isinstance(part, Table):
            raise TypeError(f"{type(part).__name__} is no table")
        own = limits.POST - limits.HEADER - _WORD  # a message of its own, the word below it too
        caption = _headline(self._reply)
        shown = tables.native(part, self._now, room - _WORD if room > _LEAST_TABLE else own, caption)
        return self._with_word(part, shown or tables.as_text(part, self._now), largest=True)

    def _with_word(self, part: Table, shown: tables.Shown, *, largest: bool = False) -> list[Piece]:
        """The table, and below it how much more there is and where; an export is of the largest table of an answer."""
        words = [formats.more(shown.rows, tables.total(part))]
        missing = [formats.clean(column.title or column.name) for column in part.columns[shown.columns :]]
        if missing:
            words.append(f"{len(missing)} more columns: {limits.cut(', '.join(missing), limits.CAPTION)}")
        if part.columns and (shown.rows < len(part.rows) or missing or shown.cut):
            words.append(self._where(part))
        if largest and len(part.rows) < tables.total(part):
            words.append(f"say “export that” for all {formats.count(tables.total(part))}")
        told = elements.context(" · ".join(word for word in words if word))
        return [Piece((*shown.piece.blocks, *told))]

    def _where(self, part: Table) -> str:
        """Where the rest of a table is: in the reply's own file, or in one made for it."""
        if self._own_file is not None:
            return f"see {formats.file_name(self._own_file.name)}"
        made = sheets.workbook(part, self._reply, self._now, [file.name for file in self._files])
        self._files.append(made)
        held = "the row" if len(part.rows) == 1 else f"{formats.count(len(part.rows))} rows"
        return f"{held} in {made.name}"

    def _chart(self, part: Chart) -> list[Piece]:
        """Title and words in the card; the picture is a file beside it."""
        words = formats.chart_words(part)
        title = formats.clean(part.title).strip()
        blocks = elements.told(words.removeprefix(f"{part.title}: ") if words != part.title else "", lead=title)
        names = [file.name for file in self._files]
        picture = sheets.free_name(sheets.stem(part.title, "chart"), "png", names)
        content = charts.draw(part, form="png")
        alt = limits.cut(formats.clean(words).strip() or "chart", limits.FIELD_TEXT)
        self._files.append(Attachment(picture, "image/png", content, title=title or "Chart", alt=alt))
        if left := formats.more(min(len(part.bars), charts.MOST_BARS), len(part.bars)):
            blocks += elements.context(f"{left} · {self._where(sheets.bars(part))}")
        return posts.pieces(blocks)

    def _file(self, part: File) -> list[Piece]:
        name = formats.file_name(part.name)
        if not _is_kept(part):
            return posts.pieces(elements.context(f"{name} was not kept: ask for it again"))
        self._files.append(Attachment(name, formats.clean(part.mime), part.content, part.id, name))
        size = f" · {formats.size(len(part.content))}" if part.content else ""
        return posts.pieces(elements.context(f"File: {name}{size}"))

    def _old(self) -> Iterator[Block]:
        """What is known to be old: right below the answer, so that nobody acts on it unawares."""
        for line in self._reply.freshness.old if self._reply.freshness else ():
            yield from elements.told(_WARNING + formats.clean(line))

    def _end(self, footing: str) -> list[Block]:
        """The last lines: DEMO, who sees it, what was understood and how old the data are."""
        seen = "Only you see this" if self._reply.private else ""
        demo = [{"type": "mrkdwn", "text": "*DEMO*", "verbatim": True}] if self._reply.demo else []
        words = " · ".join(word for word in (seen, footing) if word)
        return elements.context(words, *demo) if words or demo else []


def _without_secrets(reply: Reply) -> Reply:
    parts = (Secret(part.label) if isinstance(part, Secret) else part for part in reply.parts)
    return replace(reply, parts=tuple(parts))


def _size(part: Part) -> tuple[int, int]:
    """Rows and columns of a table that could be native."""
    return (len(part.rows), len(part.columns)) if isinstance(part, Table) and part.columns else (0, 0)


def _is_kept(file: File) -> bool:
    return bool(file.id or file.content)


def _text(part: Text, *, failed: bool) -> list[Block]:
    match part.style:
        case "heading":
            return elements.told("", lead=(_WARNING if failed else "") + part.text)
        case "warning":
            return elements.told(_WARNING + part.text)
        case "note":
            return elements.context(part.text)
    return elements.told(part.text)


def _progress(part: Progress) -> list[Block]:
    share = min(formats.amount(part.done) / part.of, 1.0) if part.of > 0 else 0.0
    full = round(share * _BAR)
    bar = "█" * full + "░" * (_BAR - full)
    known = f"{100 * share:.0f} % · {formats.count(part.done)} of {formats.count(part.of)}" if part.of > 0 else ""
    note = formats.clean(part.note, lines=True).strip()
    return elements.told(" · ".join(word for word in (f"{bar}  {known}".rstrip(), note) if word), lead=part.label)


def _headline(reply: Reply) -> str:
    """The text for a notification: the answer itself, and the first words below it."""
    texts = [part.text for part in reply.parts if isinstance(part, Text) and part.style != "note"]
    titles = [part.label if isinstance(part, Progress) else part.title for part in reply.parts
              if isinstance(part, Progress | Chart | Table | Fields)]  # fmt: skip
    words = texts[:2] or [title for title in titles if title.strip()][:1] or [reply.scope]
    demo = "DEMO · " if reply.demo else ""
    return escaping.notification(demo + " ".join(words), limits.MESSAGE_TEXT // 4) or "Stackhand answered"


def _what_choices_say(reply: Reply) -> str:
    said = [choice for part in reply.parts if isinstance(part, Choices) for choice in part.choices]
    lines = [f"{formats.clean(choice.label)}: say {choice.said!r}" for choice in said]
    return "\n".join(["", "What the buttons say", *lines, ""]) if lines else ""
