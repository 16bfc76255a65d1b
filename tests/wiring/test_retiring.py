"""Ending contexts and platforms: what becomes tobedeleted, what stays, and what comes back."""

import pytest

from bridge.errors import Busy, UnknownObject
from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.runs import Outcome
from bridge.retiring import retire_context, retire_platform
from tests.wiring.world import outcomes

ANN, BEN = {"user_id": "ann", "roles": ["Learner"]}, {"user_id": "ben", "roles": ["Learner"]}
COLLECTIONS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")


@pytest.fixture
def statuses(served):
    def statuses(collection):
        return sorted(each["status"] for each in served(collection))

    return statuses


def retire(wiring, platform):
    ended = []
    retire_platform(wiring, platform, "operator", lambda context, run: ended.append((context.context_id, run.outcome)))
    return ended


def test_retired_context_ends_with_its_enrollments_and_who_is_in_no_other(wiring, add_context, served, statuses):
    context = add_context("2", ANN, BEN)
    wiring.sync(context)
    wiring.sync(add_context("3", ANN))

    run = retire_context(wiring, context, "operator")

    assert (run.outcome, run.removed, run.decided_by) == (Outcome.APPLIED, 2, "operator")
    assert {each["metadata"]["lti.userId"]: each["status"] for each in served("users")} == {
        "ann": "active",
        "ben": "tobedeleted",
    }
    assert statuses("enrollments") == ["active", "tobedeleted", "tobedeleted"]
    assert statuses("classes") == statuses("courses") == ["active", "tobedeleted"]
    assert statuses("orgs") == ["active"]


def test_retired_context_is_read_no_more(wiring, add_context):
    context = add_context()
    wiring.sync(context)

    retire_context(wiring, context, "operator")

    with pytest.raises(UnknownObject):
        wiring.registry.contexts.get(context.tenant, context.key)


def test_who_retired_a_context_is_recorded(wiring, add_context):
    context = add_context()
    wiring.sync(context)

    run = retire_context(wiring, context, "operator")

    (decision,) = Decisions(wiring.mirror, wiring.clock).about(run.id)
    assert (decision.kind, decision.made_by, decision.run, decision.led_to) == (
        DecisionKind.RETIRED,
        "operator",
        None,
        run.id,
    )


def test_context_that_comes_back_has_its_old_ids(wiring, add_context, served):
    wiring.sync(add_context("2", ANN, BEN))
    before = {name: served(name) for name in COLLECTIONS}
    retire_context(wiring, wiring.registry.contexts.find("2"), "operator")

    run = wiring.sync(add_context("2", ANN, BEN))

    assert run.records["enrollments"] == run.records["users"] == {"restored": 2}

    def without_dates(records):
        return [{key: value for key, value in record.items() if key != "dateLastModified"} for record in records]

    for name in COLLECTIONS:
        assert without_dates(served(name)) == without_dates(before[name])


def test_context_that_was_never_read_can_be_retired(wiring, add_context, statuses):
    run = retire_context(wiring, add_context(), "operator")

    assert (run.removed, statuses("classes")) == (0, [])


def test_context_that_is_being_read_is_not_retired_meanwhile(wiring, make_wiring, lms, add_context):
    context, other, refusals = add_context(), make_wiring(), []

    def meanwhile():
        with pytest.raises(Busy) as refusal:
            retire_context(other, context, "operator")
        refusals.append(str(refusal.value))

    lms.meanwhile = meanwhile

    assert wiring.sync(context).outcome is Outcome.APPLIED
    assert "is being reconciled just now" in refusals[0]
    assert wiring.registry.contexts.get(context.tenant, context.key) == context


def test_retired_platform_ends_everything_of_its_tenant(wiring, add_platform, add_context, statuses):
    platform = add_platform()
    for name in ("2", "3"):
        wiring.sync(add_context(name, ANN, BEN, platform=platform))

    assert retire(wiring, platform) == [("2", Outcome.APPLIED), ("3", Outcome.APPLIED)]

    for name in COLLECTIONS:
        assert set(statuses(name)) == {"tobedeleted"}
    assert wiring.registry.platforms.all() == wiring.registry.contexts.all() == []


def test_retired_platform_ends_what_had_been_removed_before(wiring, add_platform, add_context, statuses):
    platform = add_platform()
    context = add_context(platform=platform)
    wiring.sync(context)
    wiring.registry.contexts.remove(context.tenant, context.key)

    retire(wiring, platform)

    assert {status for name in COLLECTIONS for status in statuses(name)} == {"tobedeleted"}


def test_other_registration_of_the_tenant_goes_on(wiring, add_platform, add_context, served):
    first, second = add_platform(), add_platform(client_id="bridge-2")
    wiring.sync(add_context("2", ANN, platform=first))
    wiring.sync(add_context("3", ANN, BEN, platform=second))

    retire(wiring, second)

    assert [each["metadata"]["lti.contextId"] for each in served("classes") if each["status"] == "active"] == ["2"]
    assert {each["metadata"]["lti.userId"]: each["status"] for each in served("users")} == {
        "ann": "active",
        "ben": "tobedeleted",
    }
    assert {each["status"] for each in served("orgs")} == {"active"}
    assert wiring.registry.platforms.all() == [first]


def test_retired_people_do_not_make_others_wait_for_a_person(wiring, lms, add_context):
    large = add_context("2", *({"user_id": f"s{number}"} for number in range(40)))
    small = add_context("3", ANN, BEN, {"user_id": "cem"})
    wiring.sync(large)
    wiring.sync(small)
    retire_context(wiring, large, "operator")
    lms.members["3"].pop()

    wiring.sync(small)

    assert outcomes(wiring)[0] is Outcome.APPLIED
