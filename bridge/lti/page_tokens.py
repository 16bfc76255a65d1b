"""What a launch leaves behind on its page: the right to ask about one course's roster for an hour, as a signed text.

Inside a platform's frame a page has no cookies, so it carries its right itself. The right comes from a launch that
passed every check, and cannot be guessed: another site's page has no way to ask for anything in this one's name.

Compact JWS (RFC 7515) by a secret of this bridge's own; nobody else reads it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from bridge.clock import Clock
from bridge.errors import LaunchRefused
from bridge.roster.identity import ContextKey

LIFETIME = timedelta(hours=1)

_ALGORITHM = "HS256"
_PURPOSE = "lti-page"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageGrant:
    """What a page may ask about.

    :param may_sync: whether it may have the roster read: its user is a teacher there.
    """

    tenant: str
    context: ContextKey
    may_sync: bool


class PageTokens:
    """Writes and reads the tokens.

    :param secret: 32 secret bytes, the same in every process that serves.
    """

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._key = OctKey.import_key(secret)
        self._clock = clock

    def write(self, grant: PageGrant) -> str:
        """A token for this right, good for :data:`LIFETIME`."""
        claims = {
            "aud": _PURPOSE,
            "exp": int((self._clock() + LIFETIME).timestamp()),
            "tenant": grant.tenant,
            "context": grant.context,
            "sync": grant.may_sync,
        }
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])

    def read(self, token: str) -> PageGrant:
        """The right that a token stands for.

        :raises LaunchRefused: check ``page``, if it is not one of ours, or too old.
        """
        try:
            claims: dict[str, Any] = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise _refused() from error
        if claims.get("aud") != _PURPOSE or claims["exp"] <= self._clock().timestamp():
            raise _refused()
        return PageGrant(
            tenant=claims["tenant"], context=ContextKey(claims["context"]), may_sync=claims["sync"] is True
        )


def _refused() -> LaunchRefused:
    return LaunchRefused("page", "this page is too old: open the tool again from your course")
