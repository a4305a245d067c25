"""Somebody who uses the pages by mouse, or by keyboard alone."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.ui.house import ADMIN, PASSWORD, House

Hand = Literal["mouse", "keyboard"]
PATIENCE = 45.0
expect.set_options(timeout=PATIENCE * 1000)
LONGEST_WAY = 150
"""So many presses of Tab at most to reach something on a page."""
ROUND_MILLISECONDS = 5100
"""A page that refreshes itself asks every five seconds."""

IS_FOCUSED = "e => e === document.activeElement"
HAS_VISIBLE_FOCUS = """e => {
  const style = getComputedStyle(e), label = e.closest("label");
  const drawn = s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== "none";
  const box = e.getBoundingClientRect();
  const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight;
  return e.matches(":focus-visible") && seen && (drawn(style) || label && drawn(getComputedStyle(label)));
}"""


@dataclass
class Person:
    """What somebody does with a page, in words of the page. Trouble of the browser is collected, and fails `leave`."""

    page: Page
    hand: Hand
    trouble: list[str]

    def press(self, name: str | re.Pattern[str], *, within: Locator | None = None, role: Any = None) -> None:
        """Press the button or link of this name."""
        place = within or self.page.get_by_role("document")
        exact = isinstance(name, str)
        found = place.get_by_role(role, name=name, exact=exact) if role else \
            place.get_by_role("button", name=name, exact=exact).or_(place.get_by_role("link", name=name, exact=exact))
        expect(found.first).to_be_enabled()
        if self.hand == "mouse":
            found.first.click()
        else:
            self._walk_to(found.first)
            self.page.keyboard.press("Enter")

    def type(self, label: str | re.Pattern[str], text: str) -> None:
        """Write into the field of this label, in place of what stands there."""
        field = self.page.get_by_label(label, exact=isinstance(label, str))
        if self.hand == "mouse":
            field.fill(text)
            return
        self._walk_to(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def tick(self, box: Locator) -> None:
        """Tick a box or choose a radio button."""
        if self.hand == "mouse":
            box.check()
            return
        self._walk_to(box)
        self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def choose(self, label: str, option: str) -> None:
        """Choose in a list."""
        field = self.page.get_by_label(label, exact=True)
        if self.hand == "mouse":
            field.select_option(label=option)
            return
        self._walk_to(field)
        for _ in range(field.locator("option").count()):
            if field.evaluate("e => e.selectedOptions[0].label") == option:
                return
            self.page.keyboard.press("ArrowDown")
        expect(field.locator("option:checked")).to_have_text(option)

    def sees(self, text: str | re.Pattern[str]) -> None:
        """The page says this now."""
        expect(self.page.locator("body")).to_contain_text(text)

    def waits_for(self, text: str | re.Pattern[str]) -> None:
        """The page comes to say this by refreshing itself, without anything being pressed."""
        place = self.page.locator("main")
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                expect(place).to_contain_text(text, timeout=100)
                return
            except AssertionError:
                assert time.monotonic() < deadline, f"waited in vain for {text!r} on {self.page.url}:\n{place.inner_text()}"
                self.page.clock.run_for(ROUND_MILLISECONDS)

    def leave(self) -> None:
        """Go away; there must have been no script error and nothing that the content security policy forbids."""
        assert not self.trouble, self.trouble
        self.page.context.close()

    def _walk_to(self, target: Locator) -> None:
        expect(target).to_be_visible()
        element = target.element_handle()
        for _ in range(LONGEST_WAY):
            if element.evaluate(IS_FOCUSED):
                assert element.evaluate(HAS_VISIBLE_FOCUS), f"nobody sees where the focus is: {target}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")


def somebody(chromium: Browser, hand: Hand, **context: Any) -> Person:
    """A person with a fresh browser."""
    page = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}} | context).new_page()
    trouble = watch(page)
    page.clock.install()
    page.set_default_timeout(PATIENCE * 1000)
    return Person(page, hand, trouble)


def watch(page: Page) -> list[str]:
    """Collects script errors, warnings of the browser, violations of the policy, and dialogs."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append("dialog"), dialog.dismiss()))
    return trouble


def logged_in(chromium: Browser, house: House, hand: Hand = "mouse", **context: Any) -> Person:
    """A person who has logged in; the log-in itself is remembered for the house."""
    if house.cookies is None:
        first: BrowserContext = chromium.new_context()
        page = first.new_page()
        page.goto(f"{house.url}/login")
        page.fill("#email", ADMIN)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(re.compile("/stores"))
        house.cookies = first.storage_state()
        first.close()
    return somebody(chromium, hand, storage_state=house.cookies, **context)
