"""The manners of real LMSs, as far as their vendors' documentation, their source code or a running one shows them.

Where nothing is known, the practice LMS's own manners stand in. Each vendor is a function, so that every LMS gets
manners of its own to be changed.
"""

from collections.abc import Callable, Mapping

from bridge.practice.manners import CANVAS_THROTTLE, Manners
from bridge.practice.people import INSTRUCTOR, LEARNER, MENTOR, TEACHING_ASSISTANT

_MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_ADMINISTRATOR = f"{_MEMBERSHIP}#Administrator"


def canvas() -> Manners:
    """Instructure Canvas (source of its names and roles controller): 50 on a page and no more, in pages by number.

    It lists active people only, knows a role by its full URI only, and throttles with a 403.
    """
    return Manners(
        page_size=50,
        largest_page=50,
        position="page of per_page",
        other_links=True,
        lenient=True,
        role_filter="by URI",
        hides_inactive=True,
        status="always Active",
        also={"lti11_legacy_user_id": "0" * 40},
        throttle=CANVAS_THROTTLE,
    )


def moodle() -> Manners:
    """Moodle 4.5, as observed: everybody in one answer unless ``limit`` is given, and then by offset.

    ``next`` forgets the role; other roles than two are passed over; members are always Active, whoever is not is
    absent; a teacher who may not edit is a Learner; names are escaped, and what is missing is "".
    """
    return Manners(
        page_size=None,
        largest_page=None,
        position="from",
        forgets_role=True,
        wrong_accept=400,
        lenient=True,
        role_filter="two roles",
        role_forms={TEACHING_ASSISTANT: ("Learner",), MENTOR: ("Learner",)},
        short_roles=True,
        hides_inactive=True,
        status="always Active",
        escaped=True,
        blanks="empty",
        media_type="application/vnd.ims.lti-nrps.v2.membershipcontainer+json; charset=utf-8",
        oauth_media_type="text/html; charset=utf-8",
    )


def blackboard() -> Manners:
    """Blackboard Learn (its developers' documentation): a URL with a query of its own, and one message per member.

    Assistants and roles of an institution's own are Instructors unless an administrator has mapped them otherwise.
    """
    return Manners(
        query="placement_id=_1_1",
        role_forms={TEACHING_ASSISTANT: (INSTRUCTOR,)},
        lenient=True,
        message="object",
    )


def brightspace() -> Manners:
    """D2L Brightspace (its community's articles): one audience for all sites, and only who has launched is listed.

    The latter until an administrator switches the whole class list on: set ``known_users`` to ``None`` for that.
    """
    return Manners(
        known_users=set(),
        lenient=True,
        audience="https://api.brightspace.com/auth/token",
    )


def sakai() -> Manners:
    """Sakai (source of its LTI 1.3 servlet): plain JSON, ``start`` and ``limit``, and an empty body behind the end.

    It passes roles and resource links over, answers 403 to an expired token and 400 to a missing scope, writes roles
    short and long at once and sub-roles with two fragments, and gives contexts no label.
    """
    return Manners(
        position="start",
        links_past_the_end=True,
        wrong_accept=None,
        lenient=True,
        role_filter="never",
        rlid="passed over",
        role_forms={
            LEARNER: ("Learner", LEARNER),
            INSTRUCTOR: ("Instructor", INSTRUCTOR, INSTRUCTOR),
            TEACHING_ASSISTANT: ("TeachingAssistant", f"{_MEMBERSHIP}#Instructor#TeachingAssistant"),
        },
        hides_inactive=True,
        also={"lti11_legacy_user_id": "site-user"},
        media_type="application/json",
        expired_status=403,
        scope_status=400,
    )


def openedx() -> Manners:
    """Open edX (source of its LTI consumer): pages by number, no names, a context without words.

    It passes roles and resource links over, gives assistants a Learner beside the sub-role, and refuses, for good, a
    course that is larger than the site allows.
    """
    return Manners(
        position="page",
        lenient=True,
        role_filter="never",
        rlid="passed over",
        share_names=False,
        share_email=False,
        role_forms={
            INSTRUCTOR: (_ADMINISTRATOR, INSTRUCTOR),
            TEACHING_ASSISTANT: (LEARNER, TEACHING_ASSISTANT),
        },
        context="id",
        most_members=1000,
    )


VENDORS: Mapping[str, Callable[[], Manners]] = {
    "generic": Manners,
    "canvas": canvas,
    "moodle": moodle,
    "blackboard": blackboard,
    "brightspace": brightspace,
    "sakai": sakai,
    "openedx": openedx,
}
"""By the names of the bridge's vendor profiles."""


def manners_of(vendor: str) -> Manners:
    """The manners of a real LMS, to be changed at will.

    :raises ValueError: if none of that name is known.
    """
    if vendor not in VENDORS:
        raise ValueError(f"there are manners of {', '.join(VENDORS)}, and none of {vendor}")
    return VENDORS[vendor]()
