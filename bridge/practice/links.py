"""The ``Link`` header in the forms that RFC 8288 allows and platforms use, all meaning the same."""

from enum import StrEnum, auto
from urllib.parse import urlsplit

DECORATION = "at=A;B,C"
"""What a URL carries in the form :attr:`LinkForm.PUNCTUATED`."""


class LinkForm(StrEnum):
    """How a link to the next page is written."""

    QUOTED = auto()
    UNQUOTED = auto()
    SECOND_LINK = auto()  # behind another one, in the same line
    SECOND_LINE = auto()  # in a line of its own, behind that of another one
    AFTER_A_TITLE = auto()  # another parameter comes first, with a comma and a semicolon in it
    UPPER_CASE = auto()  # REL=NEXT
    SEVERAL_RELATIONS = auto()  # rel="next last"
    RELATIVE = auto()  # the path and query only
    PUNCTUATED = auto()  # the URL holds a comma and a semicolon


def next_link(form: LinkForm, url: str) -> list[str]:
    """The lines of a ``Link`` header that leads on to a URL."""
    other = f'<{url.partition("?")[0]}>; rel="first"'
    match form:
        case LinkForm.UNQUOTED:
            return [f"<{url}>; rel=next"]
        case LinkForm.SECOND_LINK:
            return [f'{other}, <{url}>; rel="next"']
        case LinkForm.SECOND_LINE:
            return [other, f'<{url}>; rel="next"']
        case LinkForm.AFTER_A_TITLE:
            return [f'<{url}>; title="the next page, or; so"; rel="next"']
        case LinkForm.UPPER_CASE:
            return [f"<{url}>; REL=NEXT"]
        case LinkForm.SEVERAL_RELATIONS:
            return [f'<{url}>; rel="next last"']
        case LinkForm.RELATIVE:
            parts = urlsplit(url)
            return [f'<{parts.path}?{parts.query}>; rel="next"']
        case LinkForm.PUNCTUATED:
            return [f'<{url}&{DECORATION}>; rel="next"']
        case LinkForm.QUOTED:
            return [f'<{url}>; rel="next"']
