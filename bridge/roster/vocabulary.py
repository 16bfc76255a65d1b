"""The LIS role vocabularies of LTI, and one reader for every spelling of them that platforms send.

A role has a scope (context, institution or system), a principal name, and in a context perhaps a sub-role that
refines it. The same role is met as a full URI, as a simple name, as an LTI 1.x URN, with the wrong case, scheme or
separator. :func:`parse_role` reads them all into one :class:`Role`, and matches whole names only: a part of a text
never decides anything. What a role means in OneRoster is :mod:`bridge.roster.roles`' business.

Spec: LTI Core 1.3, appendix A "Role vocabularies"; the URN families are LTI 1.1's, appendix A.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Scope(StrEnum):
    """Where a role holds."""

    CONTEXT = "context"
    INSTITUTION = "institution"
    SYSTEM = "system"
    TEST_USER = "test user"  # not a role but a marker beside one: nobody stands behind this member


@dataclass(frozen=True, slots=True)
class Role:
    """One role, however it was written.

    :param sub: the sub-role's name; in contexts only.
    :param standard: whether it was written as LTI Core 1.3 wants it: as its URI, or as the simple name of a context
        role. Two spellings of one role are equal all the same.
    """

    scope: Scope
    principal: str
    sub: str | None = None
    standard: bool = field(default=True, compare=False)

    @property
    def name(self) -> str:
        """Its name within the scope: ``Instructor``, ``Instructor#Grader``."""
        return self.principal if self.sub is None else f"{self.principal}#{self.sub}"

    @property
    def uri(self) -> str:
        """Its one canonical spelling. The scheme is ``http``: a URI is a name here, not an address."""
        separator = "#" if self.sub is None else "/"
        return f"{_BASES[self.scope]}{separator}{self.name}"


_BASES = {
    Scope.CONTEXT: "http://purl.imsglobal.org/vocab/lis/v2/membership",
    Scope.INSTITUTION: "http://purl.imsglobal.org/vocab/lis/v2/institution/person",
    Scope.SYSTEM: "http://purl.imsglobal.org/vocab/lis/v2/system/person",
    Scope.TEST_USER: "http://purl.imsglobal.org/vocab/lti/system/person",
}

_CONTEXT_NAMES = {
    "Administrator": "Administrator Developer ExternalDeveloper ExternalSupport ExternalSystemAdministrator Support"
    " SystemAdministrator",
    "ContentDeveloper": "ContentDeveloper ContentExpert ExternalContentExpert Librarian",
    "Instructor": "ExternalInstructor Grader GuestInstructor Lecturer PrimaryInstructor SecondaryInstructor"
    " TeachingAssistant TeachingAssistantGroup TeachingAssistantOffering TeachingAssistantSection"
    " TeachingAssistantSectionAssociation TeachingAssistantTemplate",
    "Learner": "ExternalLearner GuestLearner Instructor Learner NonCreditLearner",
    "Manager": "AreaManager CourseCoordinator ExternalObserver Manager Observer",
    "Member": "Member",
    "Mentor": "Advisor Auditor ExternalAdvisor ExternalAuditor ExternalLearningFacilitator ExternalMentor"
    " ExternalReviewer ExternalTutor LearningFacilitator Mentor Reviewer Tutor",
    "Officer": "Chair Communications Secretary Treasurer Vice-Chair",
}
_INSTITUTION_NAMES = (
    "Administrator Alumni Faculty Guest Instructor Learner Member Mentor None Observer Other ProspectiveStudent Staff"
    " Student"
)
_SYSTEM_NAMES = "AccountAdmin Administrator Creator None SysAdmin SysSupport User"


def _vocabulary() -> Iterator[Role]:
    for principal, subs in _CONTEXT_NAMES.items():
        yield Role(Scope.CONTEXT, principal)
        for sub in subs.split():
            yield Role(Scope.CONTEXT, principal, sub)
    for name in _INSTITUTION_NAMES.split():
        yield Role(Scope.INSTITUTION, name)
    for name in _SYSTEM_NAMES.split():
        yield Role(Scope.SYSTEM, name)


VOCABULARY: tuple[Role, ...] = tuple(_vocabulary())
"""Every role that LTI Core 1.3 defines."""

TEST_USER = Role(Scope.TEST_USER, "TestUser")
"""The marker of a member who is nobody: a preview or "student view" account."""

_STANDARD = {role.uri: role for role in (*VOCABULARY, TEST_USER)} | {
    role.name: role for role in VOCABULARY if role.scope is Scope.CONTEXT and role.sub is None
}
_BY_NAME = {(role.scope, role.name.lower()): role for role in (*VOCABULARY, TEST_USER)}

_LIS = r"https?://purl\.imsglobal\.org/vocab/lis/v\d+/"
_ANY = (Scope.CONTEXT, Scope.INSTITUTION, Scope.SYSTEM)
_FAMILIES: tuple[tuple[re.Pattern[str], tuple[Scope, ...]], ...] = tuple(
    (re.compile(prefix, re.IGNORECASE | re.ASCII), scopes)
    for prefix, scopes in (
        (_LIS + "(?:membership|mm)[#/]", (Scope.CONTEXT,)),
        # Moodle writes system/institution/person for institution/person.
        (_LIS + "(?:system/)?institution/person[#/]", (Scope.INSTITUTION,)),
        (_LIS + "system/person[#/]", (Scope.SYSTEM,)),
        # Deprecated, and mixing two scopes: a name that both have is read as the lesser right.
        (_LIS + "person[#/]", (Scope.INSTITUTION, Scope.SYSTEM)),
        (r"https?://purl\.imsglobal\.org/vocab/lti/system/person[#/]", (Scope.TEST_USER,)),
        (r"urn:lti:role:ims/lis/", (Scope.CONTEXT,)),
        (r"urn:lti:instrole:ims/lis/", (Scope.INSTITUTION,)),
        (r"urn:lti:sysrole:ims/lis/", (Scope.SYSTEM,)),
        (r"lism:", (Scope.CONTEXT,)),  # a JSON-LD prefix of membership services version 1
        (r"", _ANY),  # simple names: a context's by the specification, the others met all the same
    )
)
"""How a spelling begins, and where its name is looked up, in this order."""

_PADDING = string.whitespace + "\u00a0\"'"


def trim(text: str) -> str:
    """A role's text without the blanks and quotes around it."""
    return text.strip(_PADDING)


def parse_role(text: str) -> Role | None:
    """Read one entry of a ``roles`` list.

    An unknown sub-role is read as its principal. A text that is no role of the vocabulary gives ``None``, and
    grants nothing; the caller keeps it.

    >>> parse_role("urn:lti:role:ims/lis/Instructor/Grader").uri
    'http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#Grader'
    """
    if text in _STANDARD:
        return _STANDARD[text]
    trimmed = trim(text)
    for pattern, scopes in _FAMILIES:
        start = pattern.match(trimmed)
        if start is None:
            continue
        names = re.split("[#/]", trimmed[start.end() :].lstrip("#/").lower())
        for scope in scopes:
            role = _context_role(names) if scope is Scope.CONTEXT else _plain_role(scope, names)
            if role is not None:
                return replace(role, standard=False)
        return None
    return None


def _plain_role(scope: Scope, names: list[str]) -> Role | None:
    return _BY_NAME.get((scope, names[0])) if len(names) == 1 else None


def _context_role(names: list[str]) -> Role | None:
    if len(names) > 2:
        return None
    principal = names[0]
    if principal == "teachingassistant":
        # A principal in LTI 1.x; LTI 1.3 files it and its sub-roles under Instructor.
        kind = _BY_NAME.get((Scope.CONTEXT, f"instructor#{names[-1]}"))
        return kind or _BY_NAME[Scope.CONTEXT, "instructor#teachingassistant"]
    return _BY_NAME.get((Scope.CONTEXT, "#".join(names))) or _BY_NAME.get((Scope.CONTEXT, principal))
