"""Who was told of a request where: each notice of it is written once for each way out."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Table, Text, func

from storage.change_tables import request
from storage.tables import metadata

request_notice = Table(
    "request_notice",
    metadata,
    Column("request_id", BigInteger, ForeignKey(request.c.id), primary_key=True),
    Column("surface", Text, primary_key=True),
    Column(
        "what", Text, primary_key=True
    ),  # asked, reminded, broken (a decision past the rules, with a reason), password
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
