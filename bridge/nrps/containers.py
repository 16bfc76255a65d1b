"""The membership container, taken apart without being understood.

Each member stays the bytes that came, so that it can be kept as a fact and validated on its own
(:mod:`bridge.nrps.schemas`): one bad member spoils no roster. No value is built of what a platform sends before it is
known to be few and small enough: sixteen kilobytes of gzip can hold eight million members.

Spec: NRPS 2.0 section "Membership container media type".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from bridge.errors import SourceRefused, SourceUnavailable

_UTF8_MARK = b"\xef\xbb\xbf"
# Up to the next mark that is in no string. Nothing is tried twice: the time is linear, whatever is sent.
_MARK = re.compile(rb"""(?:[^][{},"]++|"(?:[^"\\]++|\\.)*+")*+([][{},])""", re.DOTALL)
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# What is well, and the half of a pair behind it, if one is there.
_UP_TO_HALF = re.compile(
    rb"((?:[^\\]++|%(high)s%(low)s|(?!%(high)s|%(low)s)\\.)*+)(%(high)s|%(low)s)?" % {b"high": _HIGH, b"low": _LOW},
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Container:
    """A membership container, taken apart.

    :param context: the JSON text of ``context``; ``None`` if there is none.
    :param members: the JSON text of each member, byte for byte.
    :param user_ids: whom each of them is about, as :func:`member_user_id` tells.
    """

    context: bytes | None
    members: tuple[bytes, ...]
    user_ids: tuple[str | None, ...]


class _Container(msgspec.Struct):
    members: msgspec.Raw
    context: msgspec.Raw = msgspec.Raw(b"null")


class _Whose(msgspec.Struct):
    user_id: str | int | None = None


_container = msgspec.json.Decoder(_Container)
_whose = msgspec.json.Decoder(_Whose)
_whose_each = msgspec.json.Decoder(list[_Whose])
_text_each = msgspec.json.Decoder(list[msgspec.Raw])

_OBJECTS_A_MEMBER = 8
"""Of an honest one, herself included: what a message section holds are a few more."""


def parse_container(body: bytes, max_members: int, sender: str = "the platform") -> Container:
    """Take an answer apart. An empty body is a container without members: Sakai ends so.

    :param max_members: more than that are refused.
    :param sender: what messages call the peer.
    :raises SourceUnavailable: if the body is not JSON: a page of a server in trouble, or half an answer.
    :raises SourceRefused: if it is JSON, but not an NRPS 2.0 container, or holds too many members.
    """
    body = body.removeprefix(_UTF8_MARK)
    if not body.strip():
        return Container(None, (), ())
    try:
        found = _decoded(body)
    except msgspec.ValidationError:
        raise _no_container(sender) from None
    except (ValueError, RecursionError):
        raise SourceUnavailable(f"{sender} answers with something that is not JSON") from None
    listed = memoryview(found.members)
    if bytes(listed[:1]) != b"[":
        raise _no_container(sender)
    told_apart = None
    most = _OBJECTS_A_MEMBER * max_members
    if len(body) <= 2 * most or body.count(b"{") <= most:  # an object has two brackets at least
        told_apart = _plain_members(found.members, max_members)
    if told_apart is None:
        members = tuple(islice(_elements(listed), max_members + 1))
        if len(members) > max_members:
            raise too_many_members(sender, max_members)
        told_apart = members, tuple(map(member_user_id, members))
    context = bytes(found.context)
    return Container(None if context == b"null" else context, *told_apart)


def too_many_members(sender: str, max_members: int) -> SourceRefused:
    """The refusal of a roster that is larger than the operator allows."""
    return SourceRefused(f"{sender} lists more than {max_members} members: if that is right, raise nrps.max_members")


def member_user_id(raw: bytes) -> str | None:
    """Whom a member is about, without looking at the rest; ``None`` if that cannot be read."""
    try:
        return _named(_whose.decode(raw))
    except (ValueError, RecursionError):
        return None


def _no_container(sender: str) -> SourceRefused:
    return SourceRefused(
        f"{sender} answers with JSON that is not an NRPS 2.0 membership container: check the membership URL"
    )


def _decoded(body: bytes) -> _Container:
    try:
        return _container.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Half a surrogate pair is not text: some platforms cut long names in the middle of an emoji.
        return _container.decode(_mended(body))


def _mended(body: bytes) -> bytes:
    mended = bytearray()
    for found in _UP_TO_HALF.finditer(body):
        mended += found[1]
        if found[2]:
            mended += rb"\ufffd"
    return bytes(mended)


def _plain_members(array: msgspec.Raw, most: int) -> tuple[tuple[bytes, ...], tuple[str | None, ...]] | None:
    """Members and whom they are about, at a tenth of the cost; ``None`` if one of them is odd, or they are too many."""
    try:
        found = _whose_each.decode(array)
    except (ValueError, RecursionError):
        return None
    if len(found) > most:
        return None
    return tuple(map(bytes, _text_each.decode(array))), tuple(map(_named, found))


def _named(whose: _Whose) -> str | None:
    user_id = str(whose.user_id) if isinstance(whose.user_id, int) else whose.user_id
    return user_id if user_id and not user_id.isspace() else None


def _elements(array: memoryview) -> Iterator[bytes]:
    """The text of each element of a JSON array, which is known to be well-formed."""
    depth, begin = 1, 1
    for found in _MARK.finditer(array, 1):
        mark = found[1]
        if mark in b"[{":
            depth += 1
        elif mark != b",":
            depth -= 1
        if depth == 0 or (depth == 1 and mark == b","):
            element = bytes(array[begin : found.end() - 1]).strip()
            if element:  # an empty array has none
                yield element
            begin = found.end()
