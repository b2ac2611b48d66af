"""Live cards and the header in a real browser: what moves, and what must stay as it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.demo_people import SPEAKERS
from tests.bot.adapters.samples import Tells, job
from tests.page.test_page import Place, browser, pytestmark, say, visiting

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
from playwright.async_api import Browser, Page, expect

__all__ = ["browser", "pytestmark"]


class Going(Place):
    """A demo's page with a job that goes on."""

    def __init__(self) -> None:
        self.tells = Tells()
        super().__init__(self.tells, SPEAKERS)
        self.memory.more["job"] = job(0)


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Going]:
    monkeypatch.setattr("bot.web.live.PAUSE_S", 0.1)
    served = Going()
    await served.serve()
    yield served
    await served.stop()


async def runs(shown: Page, done: int) -> None:
    words = "The job is done" if done == 4 else f"The job runs: {done} of 4"
    await expect(shown.locator(".card h2")).to_have_text(words)


async def test_a_card_moves_in_place_and_ends(browser: Browser, place: Going) -> None:
    async with visiting(browser, place) as shown:
        await say(shown, "job")
        await runs(shown, 1)
        await expect(shown.locator(".pulse")).to_be_visible()
        card = await shown.locator(".card").element_handle()
        bar = await shown.locator("progress").element_handle()
        for done in (2, 3):
            place.tells.at = done
            await runs(shown, done)
        assert card and await card.evaluate("card => card.isConnected && card === document.querySelector('.card')")
        assert bar and await bar.evaluate("bar => bar.isConnected && bar.value") == 3  # the same bar: it glides
        place.tells.at = 4
        await runs(shown, 4)
        await expect(shown.locator(".pulse")).to_have_count(0)
        await expect(shown.locator(".card .choices")).to_have_count(0)
        await shown.reload()
        await runs(shown, 4)


async def test_what_the_person_did_with_a_card_stays(browser: Browser, place: Going) -> None:
    async with visiting(browser, place) as shown:
        await say(shown, "job")
        await shown.locator("th button").first.click()
        await shown.locator("th button").first.click()
        names = shown.locator("tbody td:first-child")
        await expect(names).to_have_text(["web-4", "web-3", "web-2", "web-1"])
        await shown.get_by_role("button", name="Cancel").focus()
        place.tells.at = 3
        await runs(shown, 3)
        await expect(names).to_have_text(["web-4", "web-3", "web-2", "web-1"])
        await expect(shown.locator("tbody td:nth-child(2)")).to_have_text(["waiting", "done", "done", "done"])
        await expect(shown.get_by_role("button", name="Cancel")).to_be_focused()
        place.tells.at = 4
        await runs(shown, 4)
        await expect(shown.locator(".card")).to_be_focused()  # its button is gone: the keyboard is not lost


async def test_a_screen_reader_is_told_one_line_at_a_time(browser: Browser, place: Going) -> None:
    async with visiting(browser, place) as shown:
        await say(shown, "job")
        spoken = shown.locator("#spoken")
        await expect(spoken).to_have_attribute("aria-live", "polite")
        await expect(spoken).to_have_text("")
        await shown.evaluate(
            "window.lines = []; new MutationObserver(() => lines.push(spoken.textContent))"
            ".observe(spoken, { childList: true })"
        )
        for done in (2, 3, 4):
            place.tells.at = done
            await runs(shown, done)
        assert await shown.locator(".card").get_attribute("aria-live") == "off"
        await expect(spoken).to_have_text("The job is done")
        lines = await shown.evaluate("window.lines")
        assert lines[-1] == "The job is done" and len(lines) <= 2


async def test_a_button_that_has_just_appeared_is_not_pressed_by_accident(browser: Browser, place: Going) -> None:
    place.tells.at = 4
    place.memory.more["job"] = job(4)
    async with visiting(browser, place) as shown:
        place.tells.at = 0  # nothing new yet: shown without buttons
        await say(shown, "job")
        place.tells.at = 1
        cancel = shown.get_by_role("button", name="Cancel")
        await cancel.wait_for()
        await cancel.evaluate("button => button.click()")
        await asyncio.sleep(0.7)
        await expect(shown.locator(".said")).to_have_count(1)
        await cancel.click()
        await expect(shown.locator(".said")).to_have_count(2)
        assert [m.text for m in place.memory.heard] == ["job", "cancel job 7"]


async def test_a_card_goes_on_after_the_server_was_away(browser: Browser, place: Going) -> None:
    async with visiting(browser, place, allowed=("WebSocket", "ERR_CONNECTION_REFUSED")) as shown:
        await say(shown, "job")
        await place.stop()
        await expect(shown.locator("#banner")).to_be_visible()
        place.tells.at = 2
        await place.serve()
        await shown.get_by_role("button", name="Try now").click(force=True)
        await runs(shown, 2)
        place.tells.at = 3
        await runs(shown, 3)


@pytest.mark.parametrize("width", [1200, 390, 340])
async def test_it_all_fits(browser: Browser, place: Going, width: int) -> None:
    place.counts["ann"] = 12
    async with visiting(browser, place, viewport={"width": width, "height": 844}) as shown:
        await say(shown, "job")
        await expect(shown.locator("#waiting")).to_be_visible()
        assert await shown.evaluate("document.documentElement.scrollWidth") == width
        top = await shown.locator(".top").evaluate("bar => bar.offsetHeight")
        assert top < 110  # nothing in it wraps


async def test_what_waits_is_seen_and_a_press_shows_it(browser: Browser, place: Going) -> None:
    async with visiting(browser, place) as shown:
        await expect(shown.locator("#waiting")).to_be_hidden()
        place.counts["ann"] = 2
        await expect(shown.locator("#waiting")).to_have_text("Waiting for you 2")
        await expect(shown.locator("#spoken")).to_have_text("2 requests wait for you")
        await expect(shown).to_have_title("(2) DEMO · Stackhand")
        await shown.locator("#waiting").click()
        await expect(shown.locator(".card")).to_have_count(1)
        assert place.memory.heard[0].text == "what is waiting for my approval"
        place.counts["ann"] = 0
        await expect(shown.locator("#waiting")).to_be_hidden()


async def test_a_newcomer_asks_as_one_person_and_looks_as_another(browser: Browser, place: Going) -> None:
    async with visiting(browser, place, person="local") as shown:
        other = await shown.context.new_page()
        await other.goto(f"http://127.0.0.1:{place.port}/")
        await say(shown, "job")
        place.counts["carol"] = 1
        choice = shown.get_by_label("You speak as")
        await expect(choice.locator("option[value=carol]")).to_have_text("Carol — admin (1 waiting)")
        await choice.select_option("carol")
        await expect(shown.locator("body")).to_have_attribute("data-person", "carol")
        await expect(shown.locator("#waiting")).to_have_text("Waiting for you 1")
        await expect(shown.locator("#empty")).to_be_visible()
        await expect(other.locator("body")).to_have_attribute("data-person", "carol")  # the other tab follows
        await say(shown, "count")
        assert [(m.person, m.text) for m in place.memory.heard] == [("local", "job"), ("carol", "count")]
        await expect(shown.locator(".top .demo")).to_be_visible()
        await choice.select_option("local")
        await runs(shown, 1)
