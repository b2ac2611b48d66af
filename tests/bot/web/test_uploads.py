import pytest

from bot.messages import Upload
from bot.stored_files import MOST_BYTES, MOST_EXPORT_BYTES
from bot.web.uploads import LIFETIME_S, MOST_FILES, UploadError, Uploads


def test_files_wait_for_their_message_and_go_once() -> None:
    uploads = Uploads()
    one, two = (uploads.keep("s", Upload(name, b"x")) for name in "ab")
    taken = uploads.take("s", [two, one])
    assert taken is not None and [upload.name for upload in taken] == ["b", "a"]
    assert uploads.take("s", [one]) is None and uploads.take("s", []) == ()


def test_another_session_gets_and_drops_nothing() -> None:
    uploads = Uploads()
    key = uploads.keep("s", Upload("a", b"x"))
    uploads.drop("other", key)
    assert uploads.take("other", [key]) is None
    uploads.drop("s", key)
    assert uploads.take("s", [key]) is None


def test_a_missing_file_leaves_the_others_waiting() -> None:
    uploads = Uploads()
    key = uploads.keep("s", Upload("a", b"x"))
    assert uploads.take("s", [key, "gone"]) is None
    assert uploads.take("s", [key]) is not None


def test_bytes_and_files_are_bounded_by_session_and_time() -> None:
    now = [0.0]
    uploads = Uploads(lambda: now[0])
    uploads.keep("s", Upload("big", bytes(MOST_BYTES - 10)))
    with pytest.raises(UploadError, match="files of up to 20 MiB"):
        uploads.keep("s", Upload("more", bytes(11)))
    assert uploads.room("s") == 10 and uploads.room("other") == MOST_BYTES
    for _ in range(MOST_FILES - 1):
        uploads.keep("s", Upload("small", b""))
    with pytest.raises(UploadError, match="send the message first"):
        uploads.room("s")
    assert uploads.room("t", "a.xlsx") == MOST_EXPORT_BYTES and uploads.room("t") == MOST_BYTES
    now[0] = LIFETIME_S + 1
    assert uploads.room("s") == MOST_BYTES
