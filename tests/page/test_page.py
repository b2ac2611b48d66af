"""The chat page in a real browser: what a person does, and what a script must not be able to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.adapters import Telling
from bot.adapters.web import page
from bot.replies import Choice
from bot.web.speakers import Speaker
from tests.bot.adapters.samples import HOSTILE, Memory
from tests.bot.web.remembered import RememberedSessions

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
from playwright.async_api import Browser, BrowserContext, FilePayload, Page, async_playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
pytestmark = [
    pytest.mark.page,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium: apt-get install chromium"),
]


class Place:
    """A page that is served, and what stands behind it."""

    def __init__(self, telling: Telling | None = None, speakers: tuple[Speaker, ...] = ()) -> None:
        self.memory, self.sessions = Memory(), RememberedSessions()
        self.telling, self.speakers = telling, speakers
        self.counts: dict[str, int] = {}
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def serve(self) -> None:
        starters = (Choice("Who is near a quota?", "quota of all"), Choice("Show a VM", "card of db-02", "all of it"))
        app = page(
            self.memory, self.memory, sessions=self.sessions, starters=starters, demo=True,
            telling=self.telling, waiting=self.waiting, speakers=self.speakers,
        )  # fmt: skip
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def waiting(self, person: str) -> int:
        return self.counts.get(person, 0)

    def link(self, person: str = "ann") -> str:
        return f"http://127.0.0.1:{self.port}/?token={self.sessions.mint(person)}"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        await chromium.close()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    served = Place()
    await served.serve()
    yield served
    await served.stop()


@asynccontextmanager
async def visiting(
    browser: Browser, place: Place, allowed: tuple[str, ...] = (), person: str = "ann", **options: Any
) -> AsyncIterator[Page]:
    """A fresh browser profile at the page. Anything on its console but what is allowed fails the test."""
    context: BrowserContext = await browser.new_context(accept_downloads=True, **options)
    shown = await context.new_page()
    shown.set_default_timeout(15_000)
    seen: list[str] = []
    shown.on("console", lambda entry: seen.append(entry.text))
    shown.on("pageerror", lambda error: seen.append(str(error)))
    await shown.goto(place.link(person))
    await expect(shown.locator("#link")).to_have_attribute("data-state", "on")
    yield shown
    await context.close()
    assert not [text for text in seen if not any(words in text for words in allowed)]


async def say(shown: Page, text: str) -> None:
    """Types and sends, and waits until it is answered."""
    before = await shown.locator(".card").count()
    await shown.locator("#say").fill(text)
    await shown.keyboard.press("Enter")
    await expect(shown.locator(".card")).not_to_have_count(before)
    await expect(shown.locator("#typing")).to_have_count(0)


async def test_a_question_is_answered_sorted_chosen_and_still_there_after_a_reload(
    browser: Browser, place: Place
) -> None:
    async with visiting(browser, place) as shown:
        assert "token" not in shown.url
        await say(shown, "count the vms")
        await expect(shown.locator(".card h2")).to_have_text("7 of 41 VMs are off")
        await expect(shown.locator(".card footer")).to_contain_text("pcd-1")
        await shown.get_by_role("button", name="export").first.click()
        await expect(shown.locator(".said")).to_have_count(2)
        await expect(shown.locator(".card")).to_have_count(2)
        assert [m.text for m in place.memory.heard] == ["count the vms", "export that"]
        await shown.reload()
        await expect(shown.locator(".card")).to_have_count(2)
        await expect(shown.locator(".said .bubble").first).to_have_text("count the vms")
        assert len(place.memory.heard) == 2


async def test_columns_sort_by_value_with_the_unknown_last(browser: Browser, place: Place) -> None:
    async with visiting(browser, place) as shown:
        await say(shown, "count")
        names = shown.locator("tbody tr td:first-child")
        memory = shown.get_by_role("button", name="Memory")
        await memory.click()
        await expect(names).to_have_text(["db-02", "web-1", "new"])  # 64 GiB before 1.5 GiB, then unknown
        await expect(shown.locator("th[aria-sort=descending]")).to_contain_text("Memory")
        await memory.click()
        await expect(names).to_have_text(["web-1", "db-02", "new"])
        await shown.get_by_role("button", name="Off since").press("Enter")
        await expect(names).to_have_text(["web-1", "db-02", "new"])
        await shown.get_by_role("button", name="Name").click()
        await expect(names).to_have_text(["db-02", "new", "web-1"])


async def test_starters_are_offered_until_something_was_said(browser: Browser, place: Place) -> None:
    async with visiting(browser, place) as shown:
        await expect(shown.locator("#empty h1")).to_be_visible()
        await shown.get_by_role("button", name="Who is near a quota?").click()
        await expect(shown.locator("#empty")).to_be_hidden()
        await expect(shown.locator(".chart .on-light img")).to_be_visible()
        await shown.get_by_role("button", name="New chat").click()
        await expect(shown.locator("#empty h1")).to_be_visible()


async def test_charts_are_drawn_for_light_and_dark(browser: Browser, place: Place) -> None:
    async with visiting(browser, place, color_scheme="light") as shown:
        await say(shown, "quota")
        drawn = "img => img.complete && img.naturalWidth > 500"
        for theme, other in (("light", "dark"), ("dark", "light")):
            picture = shown.locator(f".chart .on-{theme} img")
            await expect(picture).to_be_visible()
            await expect(shown.locator(f".chart .on-{other} img")).to_be_hidden()
            await picture.scroll_into_view_if_needed()
            for _ in range(50):
                if await picture.evaluate(drawn):
                    break
                await asyncio.sleep(0.1)
            assert await picture.evaluate(drawn)
            await shown.get_by_role("button", name="Switch between light and dark").click()
        await shown.get_by_role("button", name="Switch between light and dark").click()
        await shown.reload()
        assert await shown.locator("html").get_attribute("data-theme") == "dark"


async def test_the_keyboard_is_enough(browser: Browser, place: Place) -> None:
    async with visiting(browser, place) as shown:
        field = shown.locator("#say")
        await expect(field).to_be_focused()
        await shown.keyboard.type("first")
        await shown.keyboard.press("Shift+Enter")
        await shown.keyboard.type("line two")
        await expect(field).to_have_value("first\nline two")
        await shown.keyboard.press("Enter")
        await expect(shown.locator(".card")).to_have_count(1)
        await say(shown, "second")
        await shown.keyboard.press("ArrowUp")
        await expect(field).to_have_value("second")
        await shown.keyboard.press("ArrowUp")
        await expect(field).to_have_value("first\nline two")
        await shown.keyboard.press("ArrowDown")
        await shown.keyboard.press("ArrowDown")
        await expect(field).to_have_value("")
        await shown.keyboard.press("Escape")
        await expect(field).not_to_be_focused()
        await shown.keyboard.press("/")
        await expect(field).to_be_focused()
        await expect(field).to_have_value("")
        await expect(shown.get_by_role("log")).to_have_attribute("aria-live", "polite")


async def test_files_are_sent_and_downloaded(browser: Browser, place: Place) -> None:
    async with visiting(browser, place) as shown:
        await shown.locator("#files").set_input_files(
            [
                FilePayload(name=HOSTILE[0], mimeType="", buffer=b"a,b"),
                FilePayload(name="two.csv", mimeType="", buffer=b""),
            ]
        )
        await expect(shown.locator("#attached li:not(.busy)")).to_have_count(2)
        await shown.get_by_role("button", name="Remove two.csv").click()
        await say(shown, "card with this")
        (upload,) = place.memory.heard[0].files
        assert upload.content == b"a,b" and "<" not in upload.name
        async with shown.expect_download() as started:
            await shown.locator("a.file").click()
        download = await started.value
        assert Path(await download.path()).read_bytes() == b"a,b\n"  # noqa: ASYNC240
        await shown.locator("#files").set_input_files(
            FilePayload(name="big.bin", mimeType="", buffer=bytes(20 * 2**20 + 1))
        )
        await expect(shown.locator(".refused")).to_contain_text("up to 20 MiB")


async def test_hostile_names_are_only_text(browser: Browser, place: Place) -> None:
    async with visiting(browser, place) as shown:
        dialogs: list[str] = []
        shown.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await say(shown, "hostile")
        await say(shown, HOSTILE[0])
        await expect(shown.locator(".card h2 bdi").first).to_contain_text("<script>alert(1)</script>")
        assert await shown.locator("#log script, #log [onmouseover], #log [style]").count() == 0
        await shown.locator(".choices button").nth(3).click()
        await expect(shown.locator(".said")).to_have_count(3)
        await expect(shown.locator(".card")).to_have_count(3)
        assert place.memory.heard[-1].text == HOSTILE[3] and not dialogs
        assert await shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_a_phone_sees_it_all_without_scrolling_sideways(browser: Browser, place: Place) -> None:
    async with visiting(browser, place, viewport={"width": 390, "height": 844}) as shown:
        for question in ("count", "card", "quota", "hostile"):
            await say(shown, question)
        assert await shown.evaluate("document.documentElement.scrollWidth") == 390
        table = shown.locator(".scroll").first
        assert await table.evaluate("box => box.scrollWidth > box.clientWidth")  # the table scrolls in itself


async def test_a_server_that_goes_away_is_seen_and_nothing_is_lost_or_done_twice(
    browser: Browser, place: Place
) -> None:
    async with visiting(browser, place, allowed=("WebSocket", "ERR_CONNECTION_REFUSED")) as shown:
        await say(shown, "count")
        await place.stop()
        await expect(shown.locator("#banner")).to_be_visible()
        await expect(shown.locator("#link")).to_have_attribute("data-state", "off")
        await shown.locator("#say").fill("written while it was gone")
        await shown.keyboard.press("Enter")
        await place.serve()
        await shown.get_by_role("button", name="Try now").click(force=True)
        await expect(shown.locator(".card")).to_have_count(2)
        await expect(shown.locator("#banner")).to_be_hidden()
        assert [m.text for m in place.memory.heard] == ["count", "written while it was gone"]


async def test_a_restart_ends_the_session_and_says_what_to_do(browser: Browser, place: Place) -> None:
    async with visiting(browser, place, allowed=("WebSocket", "ERR_CONNECTION_REFUSED")) as shown:
        await place.stop()
        place.sessions = RememberedSessions()
        await place.serve()
        await expect(shown.locator("#banner")).to_contain_text("Open the link")
        await shown.goto(place.link())
        await expect(shown.locator("#link")).to_have_attribute("data-state", "on")


async def test_a_slow_answer_shows_that_it_is_being_worked_on(browser: Browser, place: Place) -> None:
    async with visiting(browser, place) as shown:
        place.memory.go_on.clear()
        await shown.locator("#say").fill("count")
        await shown.keyboard.press("Enter")
        await expect(shown.locator("#typing")).to_be_visible()
        await shown.reload()
        await expect(shown.locator(".said .bubble")).to_have_text(["count"])
        await expect(shown.locator("#typing")).to_be_visible()
        place.memory.go_on.set()
        await expect(shown.locator(".card")).to_have_count(1)
        await expect(shown.locator("#typing")).to_have_count(0)


async def test_a_link_of_a_chat_signs_in_by_its_button_and_the_page_lets_out_again(
    browser: Browser, place: Place
) -> None:
    """From another site, as a chat is one: a strict cookie must be there at the first page all the same."""
    context = await browser.new_context()
    shown, at = await context.new_page(), f"http://127.0.0.1:{place.port}"
    shown.set_default_timeout(15_000)
    sent: list[str] = []
    shown.on("request", lambda request: sent.append(request.url))
    token = place.sessions.mint("ann", "/", at_once=False)
    await shown.set_content(f'<a href="{at}/enter#{token}">open</a>')
    await shown.get_by_role("link", name="open").click()
    await expect(shown.get_by_role("heading", name="Sign in to Stackhand")).to_be_visible()
    assert token in place.sessions.links, "looking at it uses nothing up"
    await shown.get_by_role("button", name="Open the page").click()
    await expect(shown.locator("#link")).to_have_attribute("data-state", "on")
    assert shown.url == f"{at}/" and not any(token in url.partition("#")[0] for url in sent)
    await expect(shown.locator(".you")).to_have_text("Signed in as Ann")
    other = await context.new_page()
    await other.goto(f"{at}/enter#{place.sessions.mint('bob', '/', at_once=False)}")
    await other.get_by_role("button", name="Open the page").click()
    await expect(other.get_by_text("You are signed in here as Ann. This link signs you in as Bob.")).to_be_visible()
    await other.goto(f"{at}/")
    await expect(other.locator("#link")).to_have_attribute("data-state", "on")
    await shown.get_by_role("button", name="Sign out").click()
    await expect(shown.get_by_role("heading", name="This page needs a link")).to_be_visible()
    await expect(other.locator("#banner")).to_contain_text("This session has ended")
    await other.goto(f"{at}/enter#{token}")
    await other.get_by_role("button", name="Open the page").click()
    await expect(other.get_by_text("does not work any more")).to_be_visible()
    await context.close()
