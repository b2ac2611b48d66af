"""Files that came with a message: what Slack tells of each, then its content."""

from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot import formats
from bot.adapters.slack.calls import calling
from bot.adapters.slack.deliveries import text_of
from bot.adapters.slack.downloads import MOST_BYTES, DownloadError, Downloads
from bot.messages import Upload
from bot.sending import RefusedError

MOST_FILES = 10


class Files:
    """Fetches uploads, MOST_BYTES of one message at most."""

    def __init__(self, client: AsyncWebClient, downloads: Downloads) -> None:
        self._client = client
        self._downloads = downloads

    async def uploads(self, ids: Sequence[str]) -> tuple[Upload, ...]:
        """All of them; raises DownloadError, or HeldError and LostError when Slack does not answer."""
        if len(ids) > MOST_FILES:
            raise DownloadError(f"{len(ids)} files came with it; up to {MOST_FILES} are taken")
        found: list[Upload] = []
        left = MOST_BYTES
        for file_id in ids:
            upload = await self._upload(file_id, left)
            left -= len(upload.content)
            found.append(upload)
        return tuple(found)

    async def _upload(self, file_id: str, most: int) -> Upload:
        try:
            answer = await calling("files.info", self._client.files_info(file=file_id))
        except RefusedError as refusal:
            raise DownloadError(f"Slack does not give it to me ({refusal.reason})") from None
        told = answer.get("file")
        size = told.get("size") if isinstance(told, dict) else None
        if isinstance(size, int) and size > most:
            raise DownloadError(f"the files of one message may have {MOST_BYTES >> 20} MiB together")
        url = text_of(told, "url_private_download") or text_of(told, "url_private")
        if text_of(told, "mode") == "external" or not url:
            raise DownloadError("it lies outside Slack; upload the file itself")
        name = formats.file_name(text_of(told, "name") or text_of(told, "title") or file_id)
        return Upload(name, await self._downloads.fetch(url, most))
