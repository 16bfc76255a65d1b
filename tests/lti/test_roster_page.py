"""What the page of a launch shows of the roster, and how a teacher has it read."""

import re
from contextlib import closing
from datetime import timedelta
from html import unescape

import pytest

from bridge.clock import to_stamp
from bridge.lti.page_tokens import PageGrant, PageTokens
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome, Runs
from bridge.registry.contexts import lease_of
from bridge.roster.identity import class_sourced_id, context_key

KEY = context_key("2")
TENANT = "lms.example.org"
LAUNCHED = ("launch", {"tenant": TENANT, "context": KEY, "user": "4"})
SYNC = ("sync", {"tenant": TENANT, "context": KEY})


@pytest.fixture(autouse=True)
def platform(add_platform):
    return add_platform()


@pytest.fixture
def scheduler(registry):
    """A scheduler that runs, as far as anybody can tell."""
    return registry.leases.acquire("scheduler", "test", timedelta(hours=3))


@pytest.fixture
def runs(mirror_path, clock):
    mirror = Mirror.open(mirror_path)
    yield Runs(mirror, clock)
    mirror.close()


@pytest.fixture
def launch(tool):
    """Launch, and give what the page then sends: the token, and the page's text."""

    def launch(**changes):
        page = tool.launch(**changes).text
        return re.findall(r'data-token="([^"]+)"', page)[0], page

    return launch


@pytest.fixture
def look(tool):
    def look(token):
        headers = {"Authorization": f"Bearer {token}"}
        return tool.browser.get(f"{tool.url}/lti/roster", headers=headers, timeout=10)

    return look


@pytest.fixture
def press(tool):
    def press(token, action="sync"):
        with tool.other_browser().browser as browser:  # without any cookie
            return browser.post(f"{tool.url}/lti/roster", data={"token": token, "action": action}, timeout=10)

    return press


def waiting(registry):
    items = registry.inbox.take()
    registry.inbox.done(items)
    return [(item.kind, item.payload) for item in items]


def outcome_in(page):
    return unescape(re.findall(r'data-text="outcome">([^<]+)<', page)[0])


def test_roster_that_was_just_asked_for_is_about_to_be_read(launch, scheduler):
    _, page = launch()

    assert outcome_in(page) == "The roster is about to be read."
    assert "nobody yet" in page
    assert ">never<" in page


def test_page_says_when_nobody_takes_requests_up(launch):
    assert "scheduler is not running" in outcome_in(launch()[1])


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.UNAVAILABLE, "did not answer usefully. Nothing was changed"),
        (Outcome.REFUSED, "did not let the roster be read. Nothing was changed: the operator"),
        (Outcome.BROKEN, "failed in the bridge"),
        (Outcome.HELD, "the operator of the bridge has to look at it first (run 1). Until then nobody is removed, and"),
        (Outcome.UNCHANGED, "nothing had changed"),
        (Outcome.APPLIED, "was taken over"),
    ],
)
def test_outcome_of_the_latest_reading_is_told_in_plain_words(launch, look, registry, runs, scheduler, outcome, words):
    token, _ = launch()
    waiting(registry)
    runs.fail(runs.begin(TENANT, KEY), outcome, "secret.example.org answers 500")

    told = look(token).json()

    assert words in told["outcome"]
    assert "secret" not in told["outcome"]
    assert told["busy"] is False


@pytest.mark.parametrize(
    ("deferred", "words"),
    [
        pytest.param(
            "context", "The operator of the bridge has paused the reading of this course", id="context-paused"
        ),
        pytest.param(
            "platform", "The operator of the bridge has paused the reading of this course", id="platform-paused"
        ),
        pytest.param("circuit", "The platform does not answer just now", id="platform-silent"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_launch_that_is_deferred_says_why(launch, look, registry, platform, scheduler, deferred, words):
    """The launch itself waits for nothing: the scheduler puts it away, and the page tells what the roster waits for."""
    token, _ = launch()
    waiting(registry)
    match deferred:
        case "context":
            registry.pauses.pause_context(TENANT, KEY, "operator", "secret reasons")
        case "platform":
            registry.pauses.pause_platform(platform.id, "operator", "secret reasons")
        case "circuit":
            registry.circuits.failed(platform.id, news=True, threshold=1)

    told = look(token).json()

    assert told["outcome"].startswith(f"The roster has not been read yet. {words}".strip())
    assert "secret" not in told["outcome"]
    assert (told["busy"], told["read"]) == (False, None)


def test_roster_whose_removals_wait_says_that_the_rest_was_taken_over(
    launch, look, registry, runs, mirror_path, scheduler
):
    token, _ = launch()
    waiting(registry)
    run = runs.begin(TENANT, KEY)
    runs.fail(run, Outcome.HELD, "held")
    with closing(Mirror.open(mirror_path)) as mirror:
        mirror.db.execute('UPDATE runs SET documents = \'{"users": {"added": 1}}\' WHERE id = ?', (run,))

    told = look(token).json()["outcome"]

    assert told.endswith("Until then nobody is removed; newcomers and other changes were taken over.")


def test_last_reading_that_succeeded_is_told_beside_a_failure(launch, look, registry, runs, clock, scheduler):
    token, _ = launch()
    waiting(registry)
    clock.stop()
    read = to_stamp(clock())
    runs.fail(runs.begin(TENANT, KEY), Outcome.APPLIED, "")
    clock.turn(minutes=5)
    runs.fail(runs.begin(TENANT, KEY), Outcome.UNAVAILABLE, "")

    assert look(token).json()["read"] == read


def test_reading_in_progress_is_told_and_ends(launch, look, registry, runs, scheduler):
    token, _ = launch()
    waiting(registry)
    lease = registry.leases.acquire(lease_of(class_sourced_id(TENANT, KEY)), "test", timedelta(minutes=15))
    number = runs.begin(TENANT, KEY)

    assert (look(token).json()["outcome"], look(token).json()["busy"]) == ("The roster is being read now.", True)

    runs.fail(number, Outcome.UNCHANGED, "")
    registry.leases.release(lease)
    assert look(token).json()["busy"] is False


def test_reading_that_was_cut_off_does_not_seem_to_go_on(launch, look, registry, runs, scheduler):
    token, _ = launch()
    waiting(registry)
    runs.begin(TENANT, KEY)

    told = look(token).json()

    assert (told["busy"], "failed in the bridge" in told["outcome"]) == (False, True)


def test_teacher_has_the_roster_read(launch, press, registry):
    token, page = launch(roles=["Instructor"])
    assert waiting(registry) == [LAUNCHED]

    answer = press(token)

    assert "Read the roster now" in page
    assert answer.status_code == 200
    assert "Biology" in answer.text
    assert waiting(registry) == [SYNC]


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param(["Learner"], id="learner"),
        pytest.param([], id="no role"),
        pytest.param(["Mentor"], id="mentor"),
        pytest.param(
            ["http://purl.imsglobal.org/vocab/lis/v2/membership/Learner#Instructor"], id="learner by sub-role"
        ),
        pytest.param(["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"], id="system administrator"),
    ],
)
def test_others_are_not_offered_it_and_cannot(launch, press, registry, check_of, roles):
    token, page = launch(roles=roles)
    waiting(registry)

    assert "Read the roster now" not in page
    assert check_of(press(token)) == "role"
    assert waiting(registry) == []


def test_looking_asks_for_nothing(launch, press, look, registry):
    token, _ = launch()
    waiting(registry)

    assert press(token, "show").status_code == look(token).status_code == 200
    assert waiting(registry) == []


def test_button_pressed_again_and_again_asks_once(launch, press, registry, scheduler):
    token, _ = launch()
    waiting(registry)

    for _ in range(3):
        press(token)

    assert waiting(registry) == [SYNC]


def test_token_expires_after_an_hour(launch, press, look, clock, check_of):
    token, _ = launch()
    clock.turn(minutes=59)
    assert look(token).status_code == 200

    clock.turn(minutes=2)

    assert look(token).status_code == 401
    assert check_of(press(token)) == "page"


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token, clock: "", id="nothing"),
        pytest.param(lambda token, clock: "a.b.c", id="no token"),
        pytest.param(lambda token, clock: token[:-8] + "AAAAAAAA", id="another signature"),
        pytest.param(lambda token, clock: f"eyJhbGciOiJub25lIn0.{token.split('.')[1]}.", id="unsigned"),
        pytest.param(
            lambda token, clock: PageTokens(b"x" * 32, clock).write(
                PageGrant(tenant=TENANT, context=KEY, may_sync=True)
            ),
            id="another secret",
        ),
    ],
)
def test_token_that_is_not_ours_is_refused(launch, press, look, registry, clock, check_of, forge):
    forged = forge(launch()[0], clock)
    waiting(registry)

    assert look(forged).status_code == 401
    assert check_of(press(forged)) == "page"
    assert waiting(registry) == []


def test_token_is_for_its_own_course(launch, press, registry):
    launch()
    token, _ = launch(context={"id": "3", "title": "Chemistry"})
    waiting(registry)

    press(token)

    assert waiting(registry) == [("sync", {"tenant": TENANT, "context": context_key("3")})]


def test_course_that_is_read_no_more_is_said_so(launch, press, registry, check_of):
    token, _ = launch()
    registry.contexts.remove(TENANT, KEY)

    assert check_of(press(token)) == "page"


def test_state_is_not_stored_by_caches(launch, look):
    assert look(launch()[0]).headers["Cache-Control"] == "no-store"


def test_course_known_from_before_shows_its_roster_though_none_is_offered(launch, tool):
    launch()

    page = tool.launch(nrps=...).text

    assert "did not offer" in page
    assert 'id="roster"' in page
