"""How things are called in the pages' addresses."""

import base64
import binascii

from flask import request, url_for
from werkzeug.routing import BaseConverter, IntegerConverter, ValidationError

from bridge.roster.identity import ContextKey


class ContextKeyConverter(BaseConverter):
    """A context key as one segment of a path: it is JSON, and a platform's ids may hold any character."""

    def to_python(self, value: str) -> ContextKey:
        try:
            return ContextKey(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode())
        except (binascii.Error, ValueError) as error:
            raise ValidationError from error

    def to_url(self, value: str) -> str:
        return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


class RowConverter(IntegerConverter):
    """The number of a row: none is larger than SQLite's integers, and it would not take larger ones."""

    def to_python(self, value: str) -> int:
        if len(value) > 18:
            raise ValidationError
        return int(super().to_python(value))


def own_path(asked_for: str) -> str:
    """Where to go on: a path of these pages, whatever was asked for.

    :param asked_for: as it stands behind ``/admin``.
    """
    if asked_for.startswith("/") and not asked_for.startswith("//") and "\\" not in asked_for:
        return request.script_root + asked_for
    return url_for("dashboard.show")
