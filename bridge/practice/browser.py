"""A browser, as far as an LTI launch needs one: cookies, redirects, and forms that submit themselves.

It does what a person's browser does between an LMS and a tool, so that the demo and the tests launch for real.
"""

from html.parser import HTMLParser
from http.cookiejar import Cookie
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import requests
from requests.cookies import RequestsCookieJar

_TIMEOUT = (2, 10)  # seconds to connect, to read
_MAX_FORMS = 10


class Browser:
    """One person's browser: the session, and with it the cookies, lasts until it is closed."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["User-Agent"] = "PracticeBrowser/1.0"
        self.session.headers["Accept"] = "text/html,application/xhtml+xml"
        self.session.cookies = _Cookies()

    def launch(self, url: str) -> requests.Response:
        """Open a page and go wherever its redirects and self-submitting forms lead.

        :returns: the page at which it comes to rest, whatever its status.
        :raises requests.TooManyRedirects: if it does not come to rest.
        :raises requests.RequestException: if a server does not answer.
        """
        response = self.session.get(url, timeout=_TIMEOUT)
        for _ in range(_MAX_FORMS):
            form = _self_submitting_form(response)
            if form is None:
                return response
            action = urljoin(response.url, form.action)
            if form.method == "post":
                response = self.session.post(action, data=form.fields, timeout=_TIMEOUT)
            else:
                response = self.session.get(action, params=form.fields, timeout=_TIMEOUT)
        raise requests.TooManyRedirects(f"more than {_MAX_FORMS} self-submitting forms in a row", response=response)

    def close(self) -> None:
        """Forget the cookies and let the connections go."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Cookies(RequestsCookieJar):
    """Browsers treat loopback as a secure origin: it gets its Secure cookies back over plain HTTP too."""

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        if cookie.domain == "127.0.0.1":
            cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


class _FormReader(HTMLParser):
    """The first form of a page, if it has one, and whether a script submits it."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False
        self.action = ""
        self.method = "get"
        self.fields: list[tuple[str, str]] = []
        self.submits_itself = False
        self._in_form = False
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._in_script = tag == "script"
        if "submit(" in attributes.get("onload", ""):
            self.submits_itself = True
        if tag == "form" and not self.found:
            self.found = self._in_form = True
            self.action = attributes.get("action", "")
            self.method = attributes.get("method", "get").lower()
        if tag == "input" and self._in_form and "name" in attributes:
            self.fields.append((attributes["name"], attributes.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False
        if tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        if self._in_script and "submit(" in data:
            self.submits_itself = True


def _self_submitting_form(response: requests.Response) -> _FormReader | None:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return None
    reader = _FormReader()
    reader.feed(response.text)
    reader.close()
    return reader if reader.found and reader.submits_itself else None
