"""The tables of passwords that were set anew: sealed for whoever asked, until they have been shown once."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, LargeBinary, Table, Text, func, text

from storage.change_tables import job
from storage.tables import metadata

_TIME = DateTime(timezone=True)

# One row for each job that set a password, or tried to. `sealed` can be opened by one process alone, and is gone as
# soon as it was shown or too late. state: trying, set, unsure (nobody knows whether the cloud took it), refused.
password_reset = Table(
    "password_reset",
    metadata,
    Column("job_id", BigInteger, ForeignKey(job.c.id), primary_key=True),
    Column("asker", Text, nullable=False),  # the only person whom it may be shown to
    Column("vm_id", Text, nullable=False),
    Column("reader", Text, nullable=False),  # the public key that it was sealed for
    Column("sealed", LargeBinary),
    Column("state", Text, nullable=False, server_default=text("'trying'")),
    Column("made_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("shown_at", _TIME),
)

# Processes that can open what was sealed for them; the private key is nowhere but in their memory.
password_reader = Table(
    "password_reader",
    metadata,
    Column("key", Text, primary_key=True),
    Column("seen_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
)
