"""What a limited tool is answered is the same whether or not there is anything that it may not see, or is not told."""

import re
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from bridge.roster.identity import class_sourced_id, context_key
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, Course
from tests.nrps.serving import Serving, link_of

KEY = RSAKey.generate_key(2048, auto_kid=True)
IDS = ["ann", "ben", "cem", "dua"]
SEEN = class_sourced_id("north", context_key("seen"))
UNSEEN = [class_sourced_id(source, context_key("unseen")) for source in ("north", "south")]

LIMITS = {
    "a source": {"sources": ["north"], "classes": None},
    "a class": {"sources": None, "classes": [SEEN]},
    "a class of a source": {"sources": ["north"], "classes": [SEEN, UNSEEN[1]]},
}

people = st.lists(
    st.tuples(
        st.sampled_from(IDS), st.sampled_from([LEARNER, INSTRUCTOR]), st.sampled_from(["Abara", "O'Neil", "Zoë"])
    ),
    max_size=5,
)
requests = st.tuples(
    st.sampled_from([SEEN, *UNSEEN, "unknown"]),
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["Learner", "Instructor", "Nobody"]),
            "limit": st.sampled_from(["1", "2", "9", "x"]),
            "cursor": st.sampled_from(["garbage"]),
            "rlid": st.just("1"),
        },
    ),
)


def course(context_id, source, members, **hidden):
    made = Course(context_id, context_id.title(), source=source)
    for user_id, role, name in members:
        made.enrol(user_id, role, name=name, **hidden)
    return made


def plain(answer):
    """All that an answer says, its cursors by their length, and not the marks that are keyed hashes."""
    headers = {name: value for name, value in answer.headers if name not in {"X-Request-Id", "ETag"}}
    headers["Link"] = re.sub(r"cursor=([\w-]+)", lambda match: f"cursor={len(match[1])}", headers.get("Link", ""))
    return answer.status_code, headers, answer.data


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_answers_are_the_same_whether_or_not_unseen_classes_exist(limit, data):
    seen, unseen = data.draw(people), data.draw(people)
    everything = limit["classes"] is None  # of the source that it sees
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        worlds = [opened.enter_context(closing(Serving(Path(folder) / name, KEY))) for name in ("more", "less")]
        tools = []
        for number, serving in enumerate(worlds):
            if number == 0:
                serving.school.reconcile(course("unseen", "south", unseen))
                if not everything:
                    serving.school.reconcile(course("unseen", "north", unseen))
            serving.school.reconcile(course("seen", "north", seen))
            if number == 0:
                serving.school.reconcile(course("unseen", "south", [*unseen, ("eve", LEARNER, "Eve")]))
            tools.append(serving.tool(**limit))

        for class_id, asked in data.draw(st.lists(requests, min_size=15, max_size=15)):
            more, less = (tool.get(class_id, **asked) for tool in tools)
            assert more.status_code < 500
            assert plain(more) == plain(less), (class_id, asked)
            for rel in ("next", "differences"):
                if link_of(more, rel) is not None:
                    more_after, less_after = (
                        tool.get(link_of(each, rel)) for tool, each in zip(tools, (more, less), strict=True)
                    )
                    assert plain(more_after) == plain(less_after)


@pytest.mark.parametrize(
    ("shares", "hidden"),
    [
        (["email"], {"name": "Abara", "given_name": "Ann", "picture": "https://pictures.example.org/1"}),
        (["names"], {"email": "ann@example.org", "lis_person_sourcedid": "17"}),
        ([], {"name": "Abara", "email": "ann@example.org", "picture": "https://pictures.example.org/1"}),
    ],
    ids=["e-mails", "names", "nothing"],
)
def test_answers_are_the_same_whatever_is_held_of_what_is_not_told(tmp_path, shares, hidden):
    with ExitStack() as opened:
        answers = []
        for name, said in (("more", hidden), ("less", {})):
            serving = opened.enter_context(closing(Serving(tmp_path / name, KEY)))
            made = Course("seen")
            made.enrol("ann", LEARNER, **said)
            serving.school.reconcile(made)
            answers.append(serving.tool(shares=shares).get(made))

    more, less = answers
    assert plain(more) == plain(less)


def test_tag_stays_while_only_unseen_classes_change(tmp_path):
    with closing(Serving(tmp_path, KEY)) as serving:
        seen, unseen = course("seen", "north", []), course("unseen", "south", [])
        serving.school.reconcile(seen)
        tool = serving.tool(sources=["north"])
        before = tool.get(seen).headers["ETag"]
        unseen.enrol("eve")
        serving.school.reconcile(unseen)

        assert tool.get(seen).headers["ETag"] == before
