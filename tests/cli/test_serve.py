"""``bridge serve`` and ``bridge schedule``: which processes there are, and how they end."""

import os
import re
import signal
import socket

import pytest
import requests

from tests.cli.running import Place, eventually, needs_proc, running

pytestmark = needs_proc


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def process_of(holder):
    return int(holder.split(":")[1])


def test_serve_runs_its_workers_and_a_scheduler_until_it_is_told_to_stop(tmp_path, place):
    with running(tmp_path, *place.arguments, "serve", "--workers", "2") as serve:
        eventually(lambda: (place.ready() or {}).get("scheduler") == "running")
        assert len(serve.alive()) == 4

        serve.tell(signal.SIGTERM)

        assert serve.end() == (0, "")
        assert serve.alive() == set()
        assert serve.errors() == ""
        assert place.scheduler() is None


def test_any_worker_tells_how_many_requests_all_have_answered(tmp_path, place):
    counted = re.compile(r'^bridge_request_seconds_count\{[^}]*route="/healthz"[^}]*\} (.*)$', re.MULTILINE)
    with running(tmp_path, *place.arguments, "serve", "--workers", "2", "--no-schedule"):
        eventually(place.ready)
        for _ in range(20):  # each over a connection of its own, so that either worker may be asked
            assert requests.get(f"{place.url}/healthz", timeout=10).status_code == 200

        told = [counted.findall(requests.get(f"{place.url}/metrics", timeout=10).text) for _ in range(8)]

        assert told == [["20.0"]] * 8


def test_serve_without_schedule_says_that_none_runs(tmp_path, place):
    with running(tmp_path, *place.arguments, "serve", "--workers", "1", "--no-schedule") as serve:
        assert eventually(place.ready)["scheduler"] == "not running"
        assert len(serve.alive()) == 2

        serve.tell(signal.SIGINT)

        assert serve.end() == (0, "")
        assert serve.alive() == set()


def test_code_in_the_folder_that_it_is_started_in_is_not_run(tmp_path, place):
    hostile = tmp_path / "hostile"
    (hostile / "bridge").mkdir(parents=True)
    for name in ("bridge/__init__.py", "sqlite3.py", "flask.py", "granian.py", "apscheduler.py"):
        (hostile / name).write_text(f"open({str(tmp_path / 'run')!r}, 'a').write({name!r})\nraise SystemExit\n")

    with running(tmp_path, *place.arguments, "serve", "--workers", "1", cwd=hostile):
        eventually(lambda: (place.ready() or {}).get("scheduler") == "running")

    assert not (tmp_path / "run").exists()


def test_scheduler_that_dies_is_started_again(tmp_path, place):
    with running(tmp_path, *place.arguments, "serve", "--workers", "1") as serve:
        scheduler = process_of(eventually(place.scheduler))
        eventually(place.ready)  # so that the worker is among the others
        others = serve.alive() - {scheduler}
        os.kill(scheduler, signal.SIGKILL)

        eventually(lambda: serve.alive() - others - {scheduler})

        assert "scheduler_ended" in serve.errors()
        serve.tell(signal.SIGTERM)
        assert serve.end() == (0, "")
        assert serve.alive() == set()


def test_worker_that_dies_is_replaced(tmp_path, place):
    with running(tmp_path, *place.arguments, "serve", "--workers", "1", "--no-schedule") as serve:
        eventually(place.ready)
        (worker,) = serve.alive() - {serve.process.pid}
        os.kill(worker, signal.SIGKILL)

        eventually(lambda: worker not in serve.alive() and len(serve.alive()) == 2)

        assert eventually(place.ready)["status"] == "ok"


def test_nothing_outlives_a_server_that_is_killed(tmp_path, place):
    with running(tmp_path, *place.arguments, "serve", "--workers", "2") as serve:
        eventually(lambda: (place.ready() or {}).get("scheduler") == "running")

        serve.tell(signal.SIGKILL)
        serve.end()

        eventually(lambda: not serve.alive())


def test_taken_port_is_named(tmp_path, place):
    with socket.create_server(("127.0.0.1", place.port)), running(tmp_path, *place.arguments, "serve") as serve:
        assert serve.end() == (1, "")
        assert serve.errors() == (
            f"bridge: cannot listen at 127.0.0.1, port {place.port}: address already in use;"
            " choose others with --host and --port\n"
        )
        assert serve.alive() == set()


def test_address_of_another_machine_is_named(tmp_path, place):
    with running(tmp_path, *place.arguments, "serve", "--host", "192.0.2.1") as serve:
        assert serve.end() == (1, "")
        assert serve.errors().startswith("bridge: cannot listen at 192.0.2.1")


def test_mistake_in_the_configuration_stops_it_before_anything_is_started(tmp_path, place):
    place.config.write_text("[server]\nworkers = 0\n")
    with running(tmp_path, *place.arguments, "serve") as serve:
        assert serve.end() == (2, "")
        assert "workers" in serve.errors()
        assert not place.directory.exists()


def test_second_scheduler_waits_for_the_first(tmp_path, place):
    with running(tmp_path, *place.arguments, "schedule") as one:
        first = eventually(place.scheduler)
        assert process_of(first) == one.process.pid
        with running(tmp_path, *place.arguments, "schedule") as two:
            assert place.scheduler() == first
            one.tell(signal.SIGTERM)
            assert one.end() == (0, "")

            second = eventually(place.scheduler)

            assert process_of(second) == two.process.pid
            two.tell(signal.SIGINT)
            assert two.end() == (0, "")
            assert (one.errors(), two.errors()) == ("", "")
