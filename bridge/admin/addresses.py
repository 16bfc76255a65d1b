"""How things are called in the pages' addresses."""

import base64
import binascii

from werkzeug.routing import BaseConverter, ValidationError

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
