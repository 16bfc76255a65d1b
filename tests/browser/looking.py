"""Somebody at the operator's pages, who looks at each of them closely.

With ``BRIDGE_SCREENSHOTS`` set to a folder, what is seen on the way is kept there: docs/screenshots was made so.
With ``BRIDGE_SCREENSHOTS_OF=everything`` what no page of the documentation shows is kept too.
"""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

PASSWORD = "correct horse battery staple"
DESKTOP, PHONE = {"width": 1180, "height": 800}, {"width": 360, "height": 740}
LOOKS = ((PHONE, "light", "-phone"), (DESKTOP, "light", ""), (DESKTOP, "dark", "-dark"))
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return ["page", ...[...document.querySelectorAll("body *")]
        .filter(each => each.getBoundingClientRect().right > width).map(each => each.outerHTML.slice(0, 120))];
}"""
CONTRAST = {"runOnly": ["color-contrast"]}
GRAVE = {"moderate", "serious", "critical"}


class Operator:
    """Somebody at the pages, who looks at each of them closely."""

    def __init__(self, browser, bridge):
        self.bridge = bridge
        self.page = browser.new_page()
        self.page.emulate_media(reduced_motion="reduce")  # colours are looked at, and not on their way
        self.page.set_viewport_size(DESKTOP)
        self.faults = []

    def goto(self, path):
        self.page.goto(f"{self.bridge.url}{path}")

    def sign_in(self, password=PASSWORD):
        self.page.get_by_label("Name").fill("ada")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def look(self, name, *, keep=False, dark=False):
        """Look at the page on a phone and on a desktop.

        :param keep: whether what is seen belongs into the documentation.
        :param dark: whether to look at it on a dark desktop too.
        """
        for size, scheme, suffix in LOOKS if dark else LOOKS[:2]:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            self._check(f"{name}{suffix}", CONTRAST if scheme == "dark" else {})
            assert self.page.evaluate(TOO_WIDE) == [], f"{name}{suffix} is wider than the screen"
            folder = os.environ.get("BRIDGE_SCREENSHOTS")
            if folder and (keep or os.environ.get("BRIDGE_SCREENSHOTS_OF") == "everything"):
                self.page.screenshot(path=Path(folder) / f"{name}{suffix}.png")
        self.page.emulate_media(color_scheme="light")

    def _check(self, where, options):
        for violation in Axe().run(self.page, options=options).response["violations"]:
            if violation["impact"] in GRAVE:
                targets = [node["target"] for node in violation["nodes"]][:3]
                self.faults.append((where, violation["id"], violation["help"], targets))
