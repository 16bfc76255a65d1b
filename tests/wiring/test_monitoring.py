"""What whoever watches the bridge is told: ``/metrics`` and ``/readyz``."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.app import create_app
from bridge.settings import Monitoring
from bridge.wiring import Wiring

NAMES = [{"user_id": "27", "given_name": "Zubaida", "email": "zubaida@example.org", "roles": ["Learner"]}]


@pytest.fixture
def make_http(settings):
    """The application over the files that the wiring of the test has filled."""
    made = []

    def make(**monitoring):
        app = create_app(replace(settings, monitoring=Monitoring(**monitoring)))
        made.append(app.extensions["bridge"])
        return app.test_client()

    yield make
    for wiring in made:
        wiring.close()


@pytest.fixture
def http(make_http):
    return make_http()


def samples(http, **headers):
    answer = http.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_operation_or_route_and_never_by_path(http):
    for sourced_id in ("zubaida@example.org", "other"):
        http.get(f"/ims/oneroster/rostering/v1p2/users/{sourced_id}")
    http.get("/zubaida")

    told = samples(http)

    assert told[("bridge_request_seconds_count", "GET", "getUser", "401")] == 2
    assert told[("bridge_request_seconds_count", "GET", "(none)", "404")] == 1
    assert "zubaida" not in http.get("/metrics").text


def test_ends_of_runs_are_counted_for_ever(wiring, add_context, lms, http):
    context = add_context("2", *NAMES)
    wiring.sync(context)
    wiring.sync(context)
    lms.members.clear()
    wiring.sync(context)
    with wiring.mirror.db.conn:
        wiring.mirror.db.execute("DELETE FROM attempts")

    told = samples(http)

    assert told[("bridge_runs_total", "applied", "school")] == 1
    assert told[("bridge_runs_total", "unchanged", "school")] == 1
    assert told[("bridge_runs_total", "unavailable", "school")] == 1


def test_rosters_are_told_of_by_source(wiring, clock, add_context, lms, http):
    wiring.sync(add_context("2", *NAMES, {"user_id": 3.5}))
    clock.turn(hours=2)
    emptied = add_context("3", *NAMES)
    wiring.sync(emptied)
    lms.members["3"] = []
    wiring.sync(emptied)

    told = samples(http)

    assert told[("bridge_records", "users", "school", "active")] == 1
    assert told[("bridge_contexts", "applied", "school")] == 1
    assert told[("bridge_contexts", "held", "school")] == 1
    assert told[("bridge_held_plans", "school")] == 1
    assert told[("bridge_quarantined_members", "school")] == 1
    assert told[("bridge_newest_good_read_timestamp_seconds", "school")] == clock.now.timestamp()
    assert told[("bridge_oldest_good_read_timestamp_seconds", "school")] == clock.now.timestamp() - 7200
    assert told[("bridge_circuit_closed", "1", "school")] == 1
    assert told[("bridge_scheduler_running",)] == 0
    assert told[("bridge_file_bytes", "mirror")] > 0
    assert told[("bridge_file_bytes", "mirror-wal")] > 0


def test_every_metric_is_documented(wiring, add_context, http):
    wiring.sync(add_context("2", *NAMES))
    http.get("/healthz")
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")

    families = list(text_string_to_metric_families(http.get("/metrics").text))
    names = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}

    assert len(names) >= 11
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_metrics_name_nobody(wiring, add_context, http):
    wiring.sync(add_context("2", *NAMES))

    body = http.get("/metrics").text

    assert "Zubaida" not in body
    assert "zubaida" not in body


@pytest.mark.parametrize(
    ("monitoring", "headers", "address"),
    [
        pytest.param({}, {}, "203.0.113.7", id="another-machine"),
        pytest.param({}, {"X-Forwarded-For": "203.0.113.7"}, "127.0.0.1", id="passed-on-by-a-proxy"),
        pytest.param({"token": "s3cret"}, {}, "127.0.0.1", id="no-token"),
        pytest.param({"token": "s3cret"}, {"Authorization": "Bearer secret"}, "127.0.0.1", id="wrong-token"),
    ],
)
def test_metrics_are_for_who_may_look(make_http, monitoring, headers, address):
    answer = make_http(**monitoring).get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == 401
    assert "monitoring.token" in answer.get_json()["detail"]


def test_metrics_are_told_to_who_holds_the_token(make_http):
    assert samples(make_http(token="s3cret"), Authorization="Bearer s3cret")


def test_readyz_is_503_when_no_roster_could_be_read_for_too_long(wiring, add_context, make_http):
    wiring.sync(add_context())  # by a clock that stands at a day that has passed

    answer = make_http(stale_hours=1).get("/readyz")

    assert (answer.status_code, answer.get_json()) == (503, {"status": "stale", "scheduler": "not running"})
    assert make_http().get("/readyz").status_code == 200


def test_readyz_is_ready_after_a_roster_was_read(settings, add_context, make_http):
    context = add_context()
    now = Wiring(settings)
    now.sync(context)
    now.close()

    assert make_http(stale_hours=1).get("/readyz").status_code == 200
