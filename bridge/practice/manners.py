"""How the practice LMS behaves: its manners, and the faults that a test may ask of it.

One :class:`Manners` object is handed to the LMS and read at every request, so a test changes an attribute and the next
answer is different. The defaults are those of a strict and generous platform.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.practice.rosters import Style


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer given in place of the real one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(slots=True, kw_only=True)
class Manners:
    """The knobs.

    :param page_size: members on a page when the request does not say; ``limit`` in a request is honoured up to 1000.
    :param share_names: whether names, picture and SIS number leave the LMS, in memberships and launches.
    :param share_email: the same for e-mail addresses.
    :param short_roles: whether memberships name the core context roles by their short names, as Moodle does.
    :param login_method: how the browser is sent to the tool's login URL: LTI 1.3 allows both.
    :param fail_next: answers to the next memberships requests, used up one by one.
    :param cut_connection_on_page: the page of a walk, from 1, whose answer breaks off half-way, every time.
    """

    page_size: int = 100
    share_names: bool = True
    share_email: bool = True
    short_roles: bool = False
    login_method: Literal["GET", "POST"] = "POST"
    fail_next: deque[Failure] = field(default_factory=deque)
    cut_connection_on_page: int | None = None

    def next_failure(self) -> Failure | None:
        """Use up the next of ``fail_next``, if there is one."""
        try:
            return self.fail_next.popleft()
        except IndexError:
            return None

    @property
    def style(self) -> Style:
        """How memberships are written."""
        return Style(self.share_names, self.share_email, self.short_roles)
