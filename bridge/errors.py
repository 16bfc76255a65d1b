"""Everything that can go wrong and that somebody acts on, grouped by what the catcher does.

::

    BridgeError
    ├── ConfigError                 stop: every problem is listed at once
    ├── RequestError                tell the caller
    │   ├── InvalidRequest          a parameter outside its range or grammar
    │   │   ├── InvalidFilter
    │   │   └── InvalidSelection
    │   ├── Unauthorised            no token, or one that is not valid
    │   ├── Forbidden               a valid token without the scope
    │   ├── UnknownObject           no such record, or none that this caller may see
    │   ├── CursorExpired           a place from before what is kept, or of another epoch
    │   ├── Busy                    too much at once, or a query past its time
    │   ├── LaunchRefused           an LTI message that fails a check
    │   └── RegistrationRefused     a platform that may not, or cannot, register itself
    ├── SourceUnavailable           try later: the same call may succeed unchanged
    └── NeedsAPerson                somebody has to mend or decide something first
        ├── SourceRefused           a platform said no, or its answer cannot be trusted
        │   ├── SourceGone          it says that there is no such context
    │   └── AnswerTooLarge      it answers with more than is accepted at once
        └── UnsafeChange            a plan that would remove too many

Exceptions know no HTTP: each protocol has one table from these classes to its statuses and bodies. A message
names parameters, hosts, scopes, counts and sourcedIds; it never holds a person's name, an e-mail address, a
token or a secret, because messages are logged and shown.
"""

from collections.abc import Sequence


class BridgeError(Exception):
    """The root: whatever the bridge raises on purpose."""


class ConfigError(BridgeError):
    """The configuration cannot be used.

    :param problems: every problem found, each a sentence that names the option and the remedy.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class RequestError(BridgeError):
    """A caller's request that cannot be served as asked."""


class InvalidRequest(RequestError):
    """A parameter is outside its range or grammar.

    :param parameter: the parameter's name as the caller wrote it.
    :param reason: what is wrong and what would be right.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        self.parameter = parameter
        self.reason = reason
        super().__init__(f"{parameter}: {reason}")


class InvalidFilter(InvalidRequest):
    """``filter`` is outside the grammar, or names a field that the class does not have."""

    def __init__(self, reason: str) -> None:
        super().__init__("filter", reason)


class InvalidSelection(InvalidRequest):
    """``fields`` names a field that the class does not have."""

    def __init__(self, reason: str) -> None:
        super().__init__("fields", reason)


class Unauthorised(RequestError):
    """The request carries no token, or one that is unknown, expired or revoked.

    :param token_sent: whether a token was sent at all (RFC 6750 section 3.1 words the two differently).
    """

    def __init__(self, reason: str, *, token_sent: bool) -> None:
        self.token_sent = token_sent
        super().__init__(reason)


class Forbidden(RequestError):
    """The token is valid, and none of the scopes that would allow the request is among its own.

    :param scopes: any one of these would have done.
    """

    def __init__(self, reason: str, scopes: Sequence[str] = ()) -> None:
        self.scopes = tuple(scopes)
        super().__init__(reason)


class UnknownObject(RequestError):
    """There is no such record, or none that this caller may see: the two are not told apart."""


class CursorExpired(RequestError):
    """What follows this place is not kept any more, or it is a place in a mirror that was restored since."""


class Busy(RequestError):
    """Too much was asked at once.

    :param retry_after: seconds after which asking again makes sense.
    """

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class LaunchRefused(RequestError):
    """An LTI login or launch that fails a check.

    :param check: the short name of the check that failed, stable enough to look up in the documentation.
    """

    def __init__(self, check: str, reason: str) -> None:
        self.check = check
        super().__init__(reason)


class RegistrationRefused(RequestError):
    """A platform's registration of itself that came to nothing.

    :param check: the short name of the check that failed, stable enough to look up in the documentation.
    """

    def __init__(self, check: str, reason: str) -> None:
        self.check = check
        super().__init__(reason)


class SourceUnavailable(BridgeError):
    """A source did not answer, or not usefully, and may do so later.

    :param retry_after: seconds that the source asked us to wait, if it did.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class NeedsAPerson(BridgeError):
    """Repeating the same call will not help: somebody has to mend or decide something first."""


class SourceRefused(NeedsAPerson):
    """A source said no, or what it answered cannot be trusted: the message says what to mend."""


class SourceGone(SourceRefused):
    """A platform that answers otherwise says that there is no such context, or no more."""


class AnswerTooLarge(SourceRefused):
    """An answer is larger than is accepted: less may be asked for at a time."""


class UnsafeChange(NeedsAPerson):
    """A plan was held back because applying it would remove or empty too much."""
