"""The application as a whole: health, request ids, and what happens when something of ours breaks."""

import sqlite3
from datetime import timedelta

import pytest

from bridge.errors import ConfigError
from bridge.roster.model import USERS
from bridge.wiring import SCHEDULER_LEASE
from tests.oneroster.served import Served, refusal, user


@pytest.fixture
def served(tmp_path):
    opened = Served(tmp_path / "var")
    opened.put(USERS, user("ada"))
    yield opened
    opened.close()


@pytest.fixture
def http(served):
    return served.app.test_client()


def drop_the_users(served):
    """Take away what requests need, as a restore of the wrong file would."""
    with sqlite3.connect(served.settings.storage.mirror) as connection:
        connection.execute('DROP TABLE "users"')
    connection.close()


def overwrite(path):
    """Make a file anything but a database."""
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    path.write_bytes(b"no database" * 1000)


def test_healthz_says_that_the_process_lives(http):
    answer = http.get("/healthz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_healthz_does_not_need_the_files(served):
    overwrite(served.settings.storage.mirror)
    overwrite(served.settings.storage.registry)

    assert served.app.test_client().get("/healthz").status_code == 200


def test_readyz_tells_of_a_missing_scheduler_and_nothing_of_the_mirror(http):
    answer = http.get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "scheduler": "not running"}


def test_readyz_tells_of_a_scheduler_that_runs(served, http):
    served.registry.leases.acquire(SCHEDULER_LEASE, "somebody", timedelta(seconds=30))

    assert http.get("/readyz").get_json()["scheduler"] == "running"


def test_readyz_of_an_empty_mirror_is_ready(tmp_path):
    empty = Served(tmp_path / "var")

    assert empty.app.test_client().get("/readyz").status_code == 200
    empty.close()


def test_readyz_is_503_while_the_mirror_cannot_be_read(served, http):
    overwrite(served.settings.storage.mirror)

    answer = http.get("/readyz")

    assert (answer.status_code, answer.get_json()) == (503, {"status": "unavailable"})


def test_application_does_not_start_on_a_file_that_is_no_database(tmp_path):
    opened = Served(tmp_path / "var")
    opened.close()
    overwrite(opened.settings.storage.mirror)

    with pytest.raises(ConfigError, match=r"mirror\.sqlite"):
        Served(tmp_path / "var")


def test_every_answer_carries_a_request_id_of_its_own(http):
    ids = [http.get(path).headers["X-Request-Id"] for path in ("/healthz", "/healthz", "/nonsense", "/lti/login")]

    assert len(set(ids)) == 4
    assert all(len(one) == 16 for one in ids)


def test_failure_tells_the_client_the_request_id_and_nothing_else(served):
    consumer = served.consumer()
    drop_the_users(served)

    answer = consumer.get("users")

    status, minor, description = refusal(answer)
    assert (status, minor) == (500, "internal_server_error")
    assert answer.headers["X-Request-Id"] in description
    for leak in ("users", "SELECT", "sqlite", "Traceback", ".py"):
        assert leak not in description


def test_process_goes_on_after_a_failure(served):
    consumer = served.consumer()
    drop_the_users(served)

    assert consumer.get("users").status_code == 500
    assert consumer.get("orgs").status_code == 200
