"""The tables of the page: one-time links and sessions. Of what a link or a cookie holds only the hash is kept."""

from sqlalchemy import Boolean, Column, DateTime, Index, LargeBinary, Table, Text, text

from storage.tables import metadata

_TIME = DateTime(timezone=True)

# `person` is `local` for whoever runs Stackhand on this machine, who is no row of `person`: no foreign key.
page_link = Table(
    "page_link",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # sha256
    Column("person", Text, nullable=False),
    Column("opens", Text, nullable=False),  # the path of our own page that it leads to
    # opened by following it, without a button: only for links that go through no chat, where robots follow links
    Column("at_once", Boolean, nullable=False, server_default=text("false")),
    Column("made_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("used_at", _TIME),
)
Index("ix_page_link_person", page_link.c.person)

page_session = Table(
    "page_session",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # sha256
    Column("person", Text, nullable=False),
    Column("made_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)
Index("ix_page_session_person", page_session.c.person)
