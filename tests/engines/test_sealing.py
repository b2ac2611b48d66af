"""A password is strong and can be read aloud; what is sealed opens in one place only."""

import base64

import pytest

from engines.sealing import Reader, UnreadableError, about, new_password, seal


def test_passwords_are_strong_and_have_no_look_alikes() -> None:
    made = {new_password() for _ in range(300)}
    assert len(made) == 300
    for one in made:
        assert [len(block) for block in one.split("-")] == [5] * 5
        assert not set(one) & set("0O1lIoS5")
        kinds = (str.islower, str.isupper, str.isdigit)
        assert all(sum(map(kind, one)) >= 2 for kind in kinds)


def test_it_opens_for_its_reader_and_its_thing_alone() -> None:
    reader, other = Reader(), Reader()
    secret, what = new_password(), about(7, "vm-1")
    sealed = seal(secret, reader.key, what)
    assert reader.open(sealed, what) == secret
    assert secret.encode() not in sealed and sealed != seal(secret, reader.key, what)
    wrong = [(other, sealed, what), (reader, sealed, about(8, "vm-1")), (reader, sealed, about(7, "vm-2")),
             (reader, b"", what), (reader, sealed[:-1], what), (reader, bytes(len(sealed)), what)]  # fmt: skip
    for who, data, thing in wrong:
        with pytest.raises(UnreadableError):
            who.open(data, thing)
    assert secret not in repr(reader) and len(reader.key) == 44


@pytest.mark.parametrize("key", ["", "none", "ü", "A" * 43, "=" * 44, base64.urlsafe_b64encode(bytes(32)).decode()])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        seal("secret", key, "thing")
