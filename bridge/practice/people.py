"""Invented people, one per number, the same in every run.

Names come from small tables in several scripts; addresses are unique, ASCII and at example.org. Every tenth person
is awkward in one of the ways of :class:`Awkward`, in the order in which they are listed there, over and over. So with
``every=10`` person 9 has blank names, person 19 one name only, person 209 blank names again, and
:func:`awkward_indexes` tells exactly who and how many.

Also, so that optional fields are optional: every third person has no SIS number, every fourth has a middle name,
every fifth a picture.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from uuid import UUID, uuid5

_CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
LEARNER = f"{_CONTEXT}#Learner"
INSTRUCTOR = f"{_CONTEXT}#Instructor"
MENTOR = f"{_CONTEXT}#Mentor"
TEACHING_ASSISTANT = f"{_CONTEXT}/Instructor#TeachingAssistant"
INSTITUTION_STUDENT = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Student"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
UNKNOWN_ROLE = "https://vocabulary.example.org/membership#Librarian"

_NAMESPACE = UUID("0b9c6d0e-5a7e-4c53-9d0a-7a1d6f2f4c11")


class Awkward(StrEnum):
    """The ways in which people are awkward; the first eleven are about the person, the others about each membership."""

    BLANK_NAMES = auto()  # name, given_name and family_name are ""
    MONONYM = auto()  # one name: given_name and name, no family_name
    NAME_ONLY = auto()  # name, and neither of its parts
    NO_NAMES = auto()  # no name of any kind
    NO_EMAIL = auto()  # no email key
    BLANK_EMAIL = auto()  # email is ""
    LONG_NAME = auto()  # a family name of 600 characters
    SQL_NAME = auto()  # quotes, a semicolon, a comment
    MARKUP_NAME = auto()  # tags, an ampersand
    EMOJI_NAME = auto()  # outside the basic plane, joined by zero-width joiners, and a letter in decomposed form
    CASE_TWIN = auto()  # the user_id of the person before, in capitals
    NO_ROLES_KEY = auto()  # no roles key
    EMPTY_ROLES = auto()  # roles is []
    TEACHING_ASSISTANT = auto()  # the sub-role, and its principal Instructor beside it
    LEARNER_AND_MENTOR = auto()  # two principals
    INACTIVE = auto()  # status is Inactive
    NO_STATUS = auto()  # no status key, which NRPS defines as Active
    UNKNOWN_ROLE = auto()  # a role of somebody's own vocabulary, alone
    INSTITUTION_ROLE = auto()  # an institution role, alone
    TEST_USER = auto()  # Learner, with the TestUser marker


AWKWARD_ROLES: Mapping[Awkward, tuple[str, ...] | None] = {
    Awkward.NO_ROLES_KEY: None,
    Awkward.EMPTY_ROLES: (),
    Awkward.TEACHING_ASSISTANT: (TEACHING_ASSISTANT, INSTRUCTOR),
    Awkward.LEARNER_AND_MENTOR: (LEARNER, MENTOR),
    Awkward.UNKNOWN_ROLE: (UNKNOWN_ROLE,),
    Awkward.INSTITUTION_ROLE: (INSTITUTION_STUDENT,),
    Awkward.TEST_USER: (LEARNER, TEST_USER),
}
"""The roles of those whose awkwardness lies there; ``None`` is no ``roles`` key."""

AWKWARD_STATUS: Mapping[Awkward, str | None] = {Awkward.INACTIVE: "Inactive", Awkward.NO_STATUS: None}
"""The status of those whose awkwardness lies there; ``None`` is no ``status`` key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person as the LMS knows her, in the words of NRPS; ``None`` is a key that is not sent."""

    user_id: str
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    email: str | None = None
    picture: str | None = None
    lis_person_sourcedid: str | None = None
    awkward: Awkward | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    """A culture's names: how they are joined, and whether the family name comes first."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    family_first: bool = False
    joiner: str = " "

    def whole(self, given: str, family: str) -> str:
        return self.joiner.join((family, given) if self.family_first else (given, family))


_NAMES = (
    _Names(("Zoë", "José", "Ødegård", "Françoise", "Jürgen"), ("Müller", "Nuñez", "O’Connor", "Łukasiewicz", "Şahin")),
    _Names(("ليلى", "عمر", "فاطمة", "يوسف"), ("الحداد", "منصور", "بن علي", "القاسم")),
    _Names(("Анна", "Дмитрий", "Оксана", "Їжак"), ("Соколова", "Иванов", "Шевченко", "Ковальчук")),
    _Names(("伟", "秀英", "小龙", "静"), ("王", "李", "欧阳", "陳"), family_first=True, joiner=""),
    _Names(("さくら", "健太", "陽子", "タカシ"), ("佐藤", "髙橋", "渡邊", "鈴木"), family_first=True, joiner=" "),
    _Names(("अनिता", "राहुल", "प्रिया", "विक्रम"), ("शर्मा", "पटेल", "गुप्ता", "सिंह")),
    _Names(("Ελένη", "Γιώργος", "Μαρία", "Νίκος"), ("Παπαδόπουλος", "Οικονόμου", "Βλάχου", "Κωστής")),
    _Names(("נועה", "דוד", "תמר", "איתן"), ("כהן", "לוי", "בן־דוד", "מזרחי")),
    _Names(("민준", "서연", "지우", "하은"), ("김", "이", "박", "남궁"), family_first=True, joiner=""),
    _Names(("Nguyễn", "Thị Hồng", "Văn Đức", "Ánh"), ("Trần", "Lê", "Phạm", "Huỳnh"), family_first=True),
    _Names(("Mary-Jane", "Kofi", "Anne Marie", "Sinéad"), ("van der Berg", "Mensah", "Smith-Jones", "McDonald")),
    _Names(("สมชาย", "กมล", "ปรียา", "วิชัย"), ("ใจดี", "ทองคำ", "ศรีสุข", "แก้ว")),
)


def invent_person(index: int, *, every: int = 10) -> Person:
    """The person with this number, from 0.

    :param every: how often somebody is awkward: 1 is everybody, 0 nobody.
    """
    person = _plain_person(index)
    awkward = _awkwardness(index, every)
    return person if awkward is None else replace(_made_awkward(person, awkward, index), awkward=awkward)


def awkward_indexes(awkward: Awkward, people: int, *, every: int = 10) -> range:
    """Who of the first ``people`` is awkward in this way: a range of their numbers, whose ``len`` is their count."""
    if every == 0:
        return range(0)
    return range(every * (list(Awkward).index(awkward) + 1) - 1, people, every * len(Awkward))


def _awkwardness(index: int, every: int) -> Awkward | None:
    if every == 0 or index % every != every - 1:
        return None
    return list(Awkward)[index // every % len(Awkward)]


def _plain_person(index: int) -> Person:
    turn, culture = divmod(index, len(_NAMES))
    names = _NAMES[culture]
    family_turn, given_turn = divmod(turn, len(names.given))
    given = names.given[given_turn]
    family = names.family[family_turn % len(names.family)]
    return Person(
        user_id=_user_id(index),
        name=names.whole(given, family),
        given_name=given,
        family_name=family,
        middle_name=names.given[(given_turn + 1) % len(names.given)] if index % 4 == 3 else None,
        email=f"person{index}@example.org",
        picture=f"https://pictures.example.org/{index}.png" if index % 5 == 4 else None,
        lis_person_sourcedid=None if index % 3 == 2 else f"SIS-{index:06d}",
    )


def _user_id(index: int) -> str:
    return str(uuid5(_NAMESPACE, str(index)))


def _made_awkward(person: Person, awkward: Awkward, index: int) -> Person:
    match awkward:
        case Awkward.BLANK_NAMES:
            return replace(person, name="", given_name="", family_name="", middle_name=None)
        case Awkward.MONONYM:
            return replace(person, name=person.given_name, family_name=None, middle_name=None)
        case Awkward.NAME_ONLY:
            return replace(person, given_name=None, family_name=None, middle_name=None)
        case Awkward.NO_NAMES:
            return replace(person, name=None, given_name=None, family_name=None, middle_name=None)
        case Awkward.NO_EMAIL:
            return replace(person, email=None)
        case Awkward.BLANK_EMAIL:
            return replace(person, email="")
        case Awkward.LONG_NAME:
            return _named(person, "Wolfeschlegel", "steinhausen-" * 50)
        case Awkward.SQL_NAME:
            return _named(person, "Robert'); DROP TABLE users;--", 'O\'Neil "Bobby" \\')
        case Awkward.MARKUP_NAME:
            return _named(person, "Niamh & <Co>", "<script>alert('family')</script>")
        case Awkward.EMOJI_NAME:
            return _named(person, "👩🏽‍🏫 Smiley", unicodedata.normalize("NFD", "Ångström"))
        case Awkward.CASE_TWIN:
            return replace(person, user_id=_user_id(index - 1).upper())
        case _:
            return person  # the awkwardness is in her memberships


def _named(person: Person, given: str, family: str) -> Person:
    return replace(person, name=f"{given} {family}", given_name=given, family_name=family, middle_name=None)
