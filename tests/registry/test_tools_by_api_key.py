"""API keys, audiences, applications, ltiks and service keys of LTI tools."""

import pytest

from bridge.errors import InvalidRequest, LaunchRefused, UnknownObject
from bridge.registry.feeders import Audience, as_platform, choose
from bridge.registry.launches import LaunchContextKey, TakenLaunch
from bridge.registry.registry import Registry
from bridge.roster.identity import ContextKey
from bridge.roster.memberships import Context
from tests.wiring.world import TurnedClock

ISSUER = "https://lms.example.org"
CONTEXT = ContextKey('["2"]')


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def registry(tmp_path, clock):
    with Registry.open(tmp_path / "registry.sqlite", clock) as registry:
        yield registry


@pytest.fixture
def tool(registry):
    return registry.tools.add("quiz", key_set='{"keys":[]}').client_id


def taken(tool, **more):
    return TakenLaunch(
        **{
            "tool": tool,
            "tenant": "school",
            "context": CONTEXT,
            "person": None,
            "claims": {"iss": ISSUER, "aud": "quiz-1"},
        }
        | more
    )


def audience(tool, **more):
    return Audience(
        **{
            "tool": tool,
            "issuer": ISSUER,
            "client_id": "quiz-1",
            "tenant": "school",
            "jwks_url": f"{ISSUER}/jwks",
        }
        | more
    )


class TestApiKeys:
    def test_key_is_found_by_itself_alone(self, registry, tool):
        key = registry.tool_keys.issue(tool)

        assert registry.tool_keys.find(key).tool == tool
        assert registry.tool_keys.find(key + "x") is None

    def test_two_keys_are_good_at_a_time(self, registry, tool):
        one, other = registry.tool_keys.issue(tool), registry.tool_keys.issue(tool)

        assert {registry.tool_keys.find(key).tool for key in (one, other)} == {tool}
        with pytest.raises(InvalidRequest, match="revoke"):
            registry.tool_keys.issue(tool)

    def test_revoked_key_makes_room_for_another(self, registry, tool):
        one, other = registry.tool_keys.issue(tool), registry.tool_keys.issue(tool)
        registry.tool_keys.revoke(tool, registry.tool_keys.find(one).id)

        assert registry.tool_keys.find(one) is None
        assert registry.tool_keys.find(registry.tool_keys.issue(tool))
        assert registry.tool_keys.find(other)

    def test_revoking_what_is_not_there(self, registry, tool):
        with pytest.raises(UnknownObject):
            registry.tool_keys.revoke(tool, 5)

    def test_no_key_ltik_or_service_key_is_in_the_file(self, registry, tool, tmp_path):
        key = registry.tool_keys.issue(tool)
        ltik, _ = registry.launches.take(taken(tool))
        place = LaunchContextKey(tool=tool, tenant="school", context=CONTEXT, resource_link="1")
        service_key = registry.service_keys.give(place, api_key=key, api_key_id=registry.tool_keys.find(key).id)
        registry.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        stored = (tmp_path / "registry.sqlite").read_bytes()
        for secret in (key, ltik, service_key):
            assert secret.encode() not in stored

    def test_whatever_a_removed_tool_had_is_gone(self, registry, tool):
        key = registry.tool_keys.issue(tool)
        ltik, _ = registry.launches.take(taken(tool))
        registry.feeders.bind(audience(tool))

        registry.tools.remove(tool)

        assert registry.tool_keys.find(key) is None
        assert registry.launches.find(ltik, tool) is None
        assert registry.feeders.of(tool) == []


class TestLtiks:
    def test_ltik_ends_after_a_day(self, registry, tool, clock):
        ltik, _ = registry.launches.take(taken(tool))

        clock.turn(hours=24, seconds=-1)
        assert registry.launches.find(ltik, tool) == taken(tool)
        clock.turn(seconds=1)
        assert registry.launches.find(ltik, tool) is None

    def test_launch_that_is_over_is_forgotten_with_the_next(self, registry, tool, clock):
        registry.launches.take(taken(tool, claims={"email": "mira@example.org"}))
        clock.turn(hours=25)
        registry.launches.take(taken(tool))

        assert registry.db.execute("SELECT count(*) FROM launches").fetchone() == (1,)

    def test_ltik_of_another_tool_stands_for_nothing(self, registry, tool):
        other = registry.tools.add("other", key_set='{"keys":[]}').client_id
        ltik, _ = registry.launches.take(taken(tool))

        assert registry.launches.find(ltik, other) is None

    def test_same_id_token_has_the_same_ltik(self, registry, tool):
        first = registry.launches.take(taken(tool), nonce="n", id_token="a.b.c")
        again = registry.launches.take(taken(tool), nonce="n", id_token="a.b.c")

        assert (first[1], again) == (True, (first[0], False))

    def test_nonce_is_one_id_token_s(self, registry, tool):
        registry.launches.take(taken(tool), nonce="n", id_token="a.b.c")

        with pytest.raises(LaunchRefused) as refusal:
            registry.launches.take(taken(tool), nonce="n", id_token="d.e.f")
        assert refusal.value.check == "nonce"

    def test_nonces_of_two_platforms_are_two(self, registry, tool):
        elsewhere = taken(tool, claims={"iss": "https://other.example.org", "aud": "quiz-1"})

        assert registry.launches.take(taken(tool), nonce="n", id_token="a.b.c")[1]
        assert registry.launches.take(elsewhere, nonce="n", id_token="d.e.f")[1]


class TestServiceKeys:
    @pytest.fixture
    def give(self, registry, tool):
        api_key = registry.tool_keys.issue(tool)

        def give(link="1", api_key=api_key):
            place = LaunchContextKey(tool=tool, tenant="school", context=CONTEXT, resource_link=link)
            key_id = registry.tool_keys.find(api_key).id
            return registry.service_keys.give(place, api_key=api_key, api_key_id=key_id)

        return give

    def test_one_launch_context_has_one(self, give):
        assert give("1") == give("1") != give("2")

    def test_it_lasts(self, registry, tool, clock, give):
        key = give()
        clock.turn(days=1000)

        assert registry.service_keys.find(key, tool).context == CONTEXT

    def test_another_api_key_is_given_another_and_both_are_good(self, registry, tool, give):
        one, other = give(), give(api_key=registry.tool_keys.issue(tool))

        assert one != other
        assert registry.service_keys.find(one, tool) == registry.service_keys.find(other, tool)

    def test_those_of_one_context_are_revoked(self, registry, tool, give):
        key = give()

        assert registry.service_keys.revoke(tool, ("school", ContextKey('["3"]'))) == 0
        assert registry.service_keys.revoke(tool, ("school", CONTEXT)) == 1
        assert registry.service_keys.find(key, tool) is None
        assert give() != key


class TestAudiences:
    def test_deployment_goes_before_any(self, registry, tool):
        registry.feeders.bind(audience(tool))
        registry.feeders.bind(audience(tool, deployment_id="7", tenant="other"))
        bound = registry.feeders.bound(tool, ISSUER, "quiz-1")

        assert (choose(bound, "7").tenant, choose(bound, "8").tenant) == ("other", "school")

    def test_binding_again_changes_it(self, registry, tool):
        registry.feeders.bind(audience(tool))
        registry.feeders.bind(audience(tool, tenant="other"))

        assert [each.tenant for each in registry.feeders.of(tool)] == ["other"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("tenant", "No Tenant"),
            ("vendor", "nonesuch"),
            ("issuer", " "),
            ("client_id", ""),
            ("jwks_url", "ftp://lms.example.org"),
        ],
    )
    def test_impossible_value_is_refused(self, registry, tool, field, value):
        with pytest.raises(InvalidRequest, match=field):
            registry.feeders.bind(audience(tool, **{field: value}))

    def test_unbinding_what_is_not_bound(self, registry, tool):
        with pytest.raises(UnknownObject):
            registry.feeders.unbind(tool, ISSUER, "quiz-1")

    def test_manners_are_those_of_the_bridge_s_own_registration(self, registry, tool):
        urls = dict.fromkeys(("auth_login_url", "token_url", "jwks_url"), f"{ISSUER}/x")
        ours = registry.platforms.add(issuer=ISSUER, client_id="bridge-1", **urls, tenant="school", vendor="blackboard")

        platform = as_platform(audience(tool, vendor="canvas"), [ours])

        assert (platform.id, platform.vendor, platform.client_id) == (ours.id, "blackboard", "quiz-1")
        assert platform.jwks_url == f"{ISSUER}/jwks"


class TestApplications:
    @pytest.mark.parametrize(
        "url",
        ["quiz.example.org", "/start", "javascript:alert(1)", "https://quiz.example.org/#top", "https://ü.example"],
    )
    def test_address_that_is_no_web_address_is_refused(self, registry, tool, url):
        with pytest.raises(InvalidRequest, match="url"):
            registry.applications.set(tool, url)

    def test_launches_are_handed_on_to_no_tool_without_an_application(self, registry, tool):
        with pytest.raises(UnknownObject):
            registry.applications.hand_on(1, tool)


def test_fed_context_keeps_what_a_later_launch_does_not_say(registry, tool, clock):
    platform = as_platform(audience(tool), [])
    registry.feeders.bind(audience(tool))
    for label, title, signed in (("BIO", "Biology", True), (None, None, True), ("CLAIMED", "Claimed", False)):
        clock.turn(minutes=1)
        registry.fed_contexts.note(
            platform,
            CONTEXT,
            Context(context_id="2", label=label, title=title),
            deployment_id="7",
            feeder=tool,
            signed=signed,
        )

    [context] = registry.fed_contexts.all()
    assert (context.label, context.title) == ("BIO", "Biology")
    assert context.last_launch > context.created
