"""How the practice SIS says no: OneRoster 1.2 REST binding, "imsx_StatusInfo", and 1.1's ``statusInfoSet``."""

import html
import json
from typing import Any

from flask import Response

from bridge.practice.sis_manners import SisManners

_WORDS_1P1 = {"unknownobject": "unknown object", "unauthorisedrequest": "unauthorized", "invaliddata": "invalid data"}


class SisRefused(Exception):
    """A request that is not served.

    :param code: the ``imsx_codeMinorFieldValue``, as 1.2 spells it.
    """

    def __init__(self, status: int, code: str, reason: str, challenge: str | None = None) -> None:
        self.status = status
        self.code = code
        self.reason = reason
        self.challenge = challenge
        super().__init__(reason)


def refused(refusal: SisRefused, version: str, manners: SisManners) -> Response:
    """The answer that says so."""
    if manners.errors == "html":
        page = f"<!doctype html><title>Error {refusal.status}</title><p>{html.escape(refusal.reason)}</p>"
        response = Response(page, refusal.status, content_type="text/html; charset=utf-8")
    else:
        body = json.dumps(_status_info(refusal, version, manners), ensure_ascii=False)
        response = Response(body, refusal.status, content_type=manners.media_type)
    if refusal.challenge is not None:
        response.headers["WWW-Authenticate"] = refusal.challenge
    if refusal.status == 429:
        response.headers["Retry-After"] = "1"
    return response


def _status_info(refusal: SisRefused, version: str, manners: SisManners) -> dict[str, Any]:
    code = _WORDS_1P1.get(refusal.code, refusal.code) if version == "1.1" else refusal.code
    info: dict[str, Any] = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": refusal.reason,
    }
    if manners.errors == "word":
        info["imsx_codeMinor"] = code
    elif manners.errors != "no code minor" and version == "1.1":
        info["imsx_CodeMinor"] = code
    elif manners.errors != "no code minor":
        field = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": code}
        info["imsx_CodeMinor"] = {"imsx_codeMinorField": [field]}
    if version == "1.1":
        return {"statusInfoSet": [info]}
    return {"imsx_StatusInfo": info} if manners.errors == "wrapped" else info
