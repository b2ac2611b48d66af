"""Addresses of the page that others than the page itself have to know. It loads nothing."""

ENTER = "/enter"


def address_of(page: str, token: str) -> str:
    """What a link for one person says. `page` is the page's public address; behind the `#` nothing is sent to anybody
    before a button is pressed."""
    return f"{page.rstrip('/')}{ENTER}#{token}"
