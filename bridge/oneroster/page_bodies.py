"""The body of a page as OneRoster providers send it: records under the collection's name, or nearly so."""

import json
from typing import Any

import msgspec

from bridge.errors import AnswerTooLarge, SourceRefused, SourceUnavailable
from bridge.roster.model import Collection

_UTF8_MARK = b"\xef\xbb\xbf"
_MOST_COMMAS = 4_000_000
"""Sixteen kilobytes of gzip can hold millions of values: no more than these are built of one page."""


def parse_page(body: bytes, collection: Collection, sender: str) -> list[Any]:
    """The records of a page, each as it was read from JSON, whatever it is.

    Bodies without the key, with ``null``, or with another key that alone holds a list are accepted, and so is a bare
    list.

    :param sender: what messages call the peer.
    :raises SourceUnavailable: if the body is not JSON: a page of a server in trouble, or half an answer.
    :raises SourceRefused: if it is JSON without records.
    """
    body = body.removeprefix(_UTF8_MARK)
    if not body.strip():
        return []
    if body.count(b",") > _MOST_COMMAS:
        raise AnswerTooLarge(f"{sender} sends a page of more than {_MOST_COMMAS} values")
    found = _decoded(body, sender)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        if collection.name in found:
            records = found[collection.name]
            if records is None:
                return []
            if isinstance(records, list):
                return records
        lists = [value for value in found.values() if isinstance(value, list)]
        if not found or (len(lists) == 1 and collection.name not in found and not _is_status(found)):
            return lists[0] if lists else []
    raise SourceRefused(
        f"{sender} answers with JSON that holds no {collection.name}: check the base URL, which ends before the"
        " collection's name"
    )


def _is_status(found: dict[str, Any]) -> bool:
    return any(name.startswith(("imsx_", "statusInfo", "CodeMajor", "error")) for name in found)


def _decoded(body: bytes, sender: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        # Half a surrogate pair is not text, but some systems cut long names in the middle of an emoji.
        text = body.decode("utf-8", errors="replace")
        mended = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        raise SourceUnavailable(f"{sender} answers with something that is not JSON") from None
    return json.loads(mended.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
