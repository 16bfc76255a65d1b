"""The membership container, taken apart without being understood.

Each member stays the bytes that came, so that it can be kept as a fact and validated on its own
(:mod:`bridge.nrps.schemas`): one bad member spoils no roster.

Spec: NRPS 2.0 section "Membership container media type".
"""

import re
from dataclasses import dataclass

import msgspec

from bridge.errors import SourceRefused, SourceUnavailable

_UTF8_MARK = b"\xef\xbb\xbf"
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


@dataclass(frozen=True, slots=True)
class Container:
    """A membership container, taken apart.

    :param context: the JSON text of ``context``; ``None`` if there is none.
    :param members: the JSON text of each member, byte for byte.
    """

    context: bytes | None
    members: tuple[bytes, ...]


class _Container(msgspec.Struct):
    members: list[msgspec.Raw]
    context: msgspec.Raw = msgspec.Raw(b"null")


class _Whose(msgspec.Struct):
    user_id: str | int | None = None


_container = msgspec.json.Decoder(_Container)
_whose = msgspec.json.Decoder(_Whose)


def parse_container(body: bytes, sender: str = "the platform") -> Container:
    """Take an answer apart. An empty body is a container without members: Sakai ends so.

    :param sender: what messages call the peer.
    :raises SourceUnavailable: if the body is not JSON: a page of a server in trouble, or half an answer.
    :raises SourceRefused: if it is JSON, but not an NRPS 2.0 container.
    """
    body = body.removeprefix(_UTF8_MARK)
    if not body.strip():
        return Container(None, ())
    try:
        found = _decoded(body)
    except msgspec.ValidationError:
        raise SourceRefused(
            f"{sender} answers with JSON that is not an NRPS 2.0 membership container: check the membership URL"
        ) from None
    except (ValueError, RecursionError):
        raise SourceUnavailable(f"{sender} answers with something that is not JSON") from None
    context = bytes(found.context)
    return Container(None if context == b"null" else context, tuple(bytes(member) for member in found.members))


def member_user_id(raw: bytes) -> str | None:
    """Whom a member is about, without looking at the rest; ``None`` if that cannot be read."""
    try:
        user_id = _whose.decode(raw).user_id
    except (ValueError, RecursionError):
        return None
    return str(user_id) if user_id is not None and str(user_id).strip() else None


def _decoded(body: bytes) -> _Container:
    try:
        return _container.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Half a surrogate pair is not text: some platforms cut long names in the middle of an emoji.
        return _container.decode(_SURROGATES.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], body))
