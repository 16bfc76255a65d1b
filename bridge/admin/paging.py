"""Listings in pages: what is asked for beyond a page tells whether another one follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request, url_for

T = TypeVar("T")

PAGE = 50


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a listing.

    :param next_url: where the next page is; ``None`` if this is the last.
    :param first_url: where the first is; ``None`` if this is it.
    """

    items: Sequence[T]
    next_url: str | None
    first_url: str | None


def listing(
    found: Sequence[T], *, size: int = PAGE, offset: int | None = None, **place: Callable[[T], object]
) -> Listing[T]:
    """A page of what was found.

    :param found: one more than a page, if there is one more.
    :param offset: where this page begins, of a listing that is counted.
    :param place: of one that is not, the query parameter that says where a page begins, and what gives it of an item.
        It stands in an address, so it must say nothing about a person.
    """
    items = found[:size]
    if offset is not None:
        parameter, following = "offset", str(offset + size)
    else:
        ((parameter, of),) = place.items()
        following = str(of(items[-1])) if items else ""
    more = url_with(**{parameter: following}) if len(found) > size else None
    return Listing(items, more, url_with(**{parameter: None}) if parameter in request.args else None)


def url_with(**changes: str | None) -> str:
    """The present page's address with other query parameters; ``None`` takes one away."""
    assert request.endpoint is not None
    # "endpoint", and what begins with "_", would be orders to url_for and no parameters.
    asked = {name: text for name, text in request.args.items() if name != "endpoint" and not name.startswith("_")}
    arguments = {**asked, **(request.view_args or {}), **changes}
    return url_for(request.endpoint, **{name: value for name, value in arguments.items() if value is not None})


def number(name: str) -> int | None:
    """A query parameter that is a number; anything else counts as left out."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
