"""Tenants: the short names that go into every sourcedId made for an LMS's people and contexts.

A name is fixed when its first platform is registered, and stays taken when the last one is removed: the mirror
goes on knowing people by it.
"""

import re
from urllib.parse import urlsplit

from sqlite_utils import Database

from bridge.errors import InvalidRequest

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")
_ROOM_FOR_NUMBER = 56


def check_tenant(name: str) -> None:
    """Accept a name that can be a tenant's.

    :raises InvalidRequest: if it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "tenant", "must be 1 to 64 of a-z, 0-9, '.' and '-', beginning and ending with a letter or a digit"
        )


def tenant_from(issuer: str) -> str:
    """A name for the tenant of an issuer: its host where it is a URL, else what can be kept of it.

    >>> tenant_from("https://Moodle.example.org/lms")
    'moodle.example.org'
    """
    host = urlsplit(issuer).hostname if "//" in issuer else issuer
    return re.sub(r"[^a-z0-9.-]+", "-", (host or "").lower())[:_ROOM_FOR_NUMBER].strip(".-") or "platform"


def free_tenant(db: Database, issuer: str) -> str:
    """A name after the issuer that no tenant has yet, numbered if need be; to be called inside a write."""
    taken = {name for (name,) in db.execute("SELECT name FROM tenants").fetchall()}
    name = candidate = tenant_from(issuer)
    number = 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
