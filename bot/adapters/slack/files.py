"""Files that came with a message: what Slack tells of each, then its content."""

from collections.abc import Mapping, Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot import formats
from bot.adapters.slack.calls import calling
from bot.adapters.slack.deliveries import text_of
from bot.adapters.slack.downloads import DownloadError, Downloads
from bot.messages import Upload
from bot.sending import RefusedError
from bot.stored_files import MOST_BYTES, MOST_EXPORT_BYTES, TOO_LARGE, is_export_name

MOST_FILES = 10


class Files:
    """Fetches uploads: of one message MOST_BYTES at most, and exports of MOST_EXPORT_BYTES."""

    def __init__(self, client: AsyncWebClient, downloads: Downloads) -> None:
        self._client = client
        self._downloads = downloads

    async def uploads(self, ids: Sequence[str]) -> tuple[Upload, ...]:
        """All of them; raises DownloadError, or HeldError and LostError when Slack does not answer."""
        if len(ids) > MOST_FILES:
            raise DownloadError(f"{len(ids)} files came with it; up to {MOST_FILES} are taken")
        found: list[Upload] = []
        left = {False: MOST_BYTES, True: MOST_EXPORT_BYTES}
        for file_id in ids:
            upload = await self._upload(file_id, left)
            left[is_export_name(upload.name)] -= upload.size
            found.append(upload)
        return tuple(found)

    async def _upload(self, file_id: str, left: Mapping[bool, int]) -> Upload:
        try:
            answer = await calling("files.info", self._client.files_info(file=file_id))
        except RefusedError as refusal:
            raise DownloadError(f"Slack does not give it to me ({refusal.reason})") from None
        told = answer.get("file")
        name = formats.file_name(text_of(told, "name") or text_of(told, "title") or file_id)
        most = left[is_export_name(name)]
        size = told.get("size") if isinstance(told, dict) else None
        if isinstance(size, int) and size > most:
            raise DownloadError(TOO_LARGE)
        url = text_of(told, "url_private_download") or text_of(told, "url_private")
        if text_of(told, "mode") == "external" or not url:
            raise DownloadError("it lies outside Slack; upload the file itself")
        return await self._downloads.fetch(url, name, most)
