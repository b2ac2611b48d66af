"""The tables of people: their accounts, rights, invitations, the channels that are about something, the directory."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from storage.tables import metadata

_TIME = DateTime(timezone=True)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("via", Text, nullable=False, server_default=text("'hand'")),  # who made them: hand or directory
    Column("disabled_by", Text),  # of those who are not active: hand, which the directory never undoes, or directory
    Column("directory_id", Text),  # the directory's own id of its entry, which is never given to another one
)
Index("uq_person_directory_id", person.c.directory_id, unique=True, postgresql_where=text("directory_id IS NOT NULL"))
Index("ix_person_email", func.lower(person.c.email))
# A chat account belongs to exactly one person.
account = Table(
    "account",
    metadata,
    Column("surface", Text, primary_key=True),  # console, page, or an adapter's name
    Column("external_id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
)
# A role: everywhere (source null), on a domain of a source, or on a project of a source; with surface and channel only
# for what is asked in that channel. via: given by hand, or by the directory, which takes back only its own.
role_grant = Table(
    "role_grant",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("role", Text, nullable=False),  # viewer, operator, technical, admin, superadmin
    Column("source", Text),
    Column("project_id", Text),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", _TIME, nullable=False, server_default=func.now()),
    Column("domain_id", Text),
    Column("surface", Text),
    Column("channel", Text),
    Column("via", Text, nullable=False, server_default=text("'hand'")),
    UniqueConstraint(
        "person_id", "role", "source", "domain_id", "project_id", "surface", "channel", "via",
        name="uq_role_grant_held", postgresql_nulls_not_distinct=True,
    ),
)  # fmt: skip

# One-time codes that link a chat account to a person. Only the code's hash is kept.
invitation = Table(
    "invitation",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # sha256
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("used_at", _TIME),
)
Index("ix_invitation_person", invitation.c.person_id)
# Wrong codes, to be counted for each account.
wrong_code = Table(
    "wrong_code",
    metadata,
    Column("surface", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("at", _TIME, nullable=False),
)
Index("ix_wrong_code_account", wrong_code.c.surface, wrong_code.c.external_id, wrong_code.c.at)

# A channel is about these domains and projects only: what is answered there is cut by them.
channel_binding = Table(
    "channel_binding",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("surface", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("domain_id", Text),
    Column("project_id", Text),
    Column("bound_by", Text, nullable=False),
    Column("bound_at", _TIME, nullable=False, server_default=func.now()),
    UniqueConstraint(
        "surface", "channel", "source", "domain_id", "project_id",
        name="uq_channel_binding_place", postgresql_nulls_not_distinct=True,
    ),
)  # fmt: skip

# Runs of the directory's sync. state: running, done, failed (it changed nothing).
directory_run = Table(
    "directory_run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tick", _TIME, unique=True),  # the scheduled time, where the clock asked: run once, whoever asks first
    Column("asked_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("finished_at", _TIME),
    Column("people", Integer, nullable=False, server_default=text("0")),
    Column("detail", Text, nullable=False, server_default=text("''")),
)
