"""What comes from the page: the shape of a message, and bodies of a bounded size."""

import re
from typing import Any

from aiohttp import web

from bot.messages import Upload
from bot.stored_files import TOO_LARGE, FileTooLarge, received
from bot.web.uploads import MOST_FILES, UploadError

_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def heard(data: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Id, text and upload keys of a frame; ValueError if it is not the shape that the page sends."""
    id_, text, keys = data.get("id"), data.get("text"), data.get("files", [])
    if not (isinstance(id_, str) and _MESSAGE_ID.fullmatch(id_) and isinstance(text, str)):
        raise ValueError("id or text")
    if not isinstance(keys, list) or len(keys) > MOST_FILES or not all(isinstance(key, str) for key in keys):
        raise ValueError("files")
    return id_, text.encode("utf-8", "replace").decode().replace("\0", ""), list(dict.fromkeys(keys))


async def file_of(request: web.Request, name: str, most: int) -> Upload:
    """The body as a file, read until it is more than `most` bytes, then UploadError."""
    if (request.content_length or 0) > most:
        raise UploadError(f"{TOO_LARGE[0].upper()}{TOO_LARGE[1:]}.")
    try:
        return await received(name, request.content.iter_chunked(2**16), most)
    except FileTooLarge as refusal:
        raise UploadError(f"{TOO_LARGE[0].upper()}{TOO_LARGE[1:]}.") from refusal
    except OSError as full:
        raise UploadError("There is no room on the disk for it: tell whoever runs Stackhand.") from full


async def bounded_body(request: web.Request, most: int) -> bytes:
    """The body, read until it is more than `most` bytes, then UploadError."""
    refusal = UploadError(f"More than {most:,} bytes are not taken.")
    if (request.content_length or 0) > most:
        raise refusal
    body = bytearray()
    async for block in request.content.iter_chunked(2**16):
        body += block
        if len(body) > most:
            raise refusal
    return bytes(body)
