"""Every page of the operator's that links and the application's own routes lead to, and every form on them.

Pages and forms are found, not listed: a new one is walked without anybody thinking of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import requests
from flask import Flask

from bridge.roster.identity import context_key
from tests.admin.conftest import Visitor


@dataclass
class Form:
    """One form, as a page shows it.

    :ivar action: where it is sent, a path.
    :ivar shown: the names of its fields with what they hold as shown; what is not chosen is not among them.
    :ivar choices: of fields that offer some, by name.
    """

    action: str
    method: str
    shown: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all fields, the token apart."""
        return tuple(sorted({*self.shown, *self.choices} - {"csrf_token"}))


@dataclass(frozen=True)
class Page:
    """One page: where it is, its answer, where it links to, and its forms."""

    path: str
    answer: requests.Response
    links: tuple[str, ...]
    forms: tuple[Form, ...]


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._select = ""
        self._area: str | None = None
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in told:
            self.links.append(urljoin(self._url, told["href"]))
        elif tag == "form":
            action = urljoin(self._url, told.get("action") or self._url)
            self.forms.append(Form(urlsplit(action).path, told.get("method", "get").lower()))
            self._open = True
        elif self._open:
            self._field(tag, told)

    def _field(self, tag: str, told: Mapping[str, str]) -> None:
        form, name = self.forms[-1], told.get("name", self._select)
        match tag:
            case "select":
                self._select = name
                form.choices[name] = []
            case "option":
                form.choices[name].append(told.get("value", ""))
                if "selected" in told:
                    form.shown[name] = [told.get("value", "")]
            case "textarea":
                self._area = name
                form.shown[name] = [""]
            case "input" | "button" if "name" in told:
                chosen = told.get("type") in {"checkbox", "radio"} or tag == "button"
                if chosen:
                    form.choices.setdefault(name, []).append(told.get("value", ""))
                if not chosen or "checked" in told:
                    form.shown.setdefault(name, []).append(told.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].shown[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self._open = False
            case "select":
                self._select = ""
            case "textarea":
                self._area = None


def read(path: str, answer: requests.Response) -> Page:
    """What is on a page."""
    reader = _Reader(answer.url)
    reader.feed(answer.text)
    return Page(path, answer, tuple(reader.links), tuple(reader.forms))


def walk(visitor: Visitor, start: Iterable[str]) -> Iterator[Page]:
    """These pages and all that links on them lead to, each once; forms are sent nowhere."""
    waiting, known = list(start), set(start)
    while waiting:
        path = waiting.pop(0)
        page = read(path, visitor.get(path))
        yield page
        for link in page.links:
            there = urlsplit(urldefrag(link)[0])
            following = f"{there.path}?{there.query}" if there.query else there.path
            if link.startswith(f"{visitor.root}/admin") and following not in known:
                known.add(following)
                waiting.append(following)


def addresses(admin: Flask, **named: object) -> Iterator[tuple[str, str]]:
    """The endpoint and a path of every route that shows a page, whether anything leads to it or not.

    :param named: values of what the routes name; what is named in none of these is nobody's.
    """
    values: dict[str, object] = {"key": context_key("Course-1"), "vendor": "canvas", "filename": "admin.css", **named}
    values = {"tenant": "school", "name": "district", "client_id": "x", "question": "people", **values}
    numbers = {"run_id": 1, "platform_id": 1, "registration_id": 1}
    for rule in admin.url_map.iter_rules():
        if "GET" in rule.methods:
            arguments = {name: ({**numbers, **values})[name] for name in rule.arguments}
            yield rule.endpoint, "/admin" + rule.build(arguments)[1]
