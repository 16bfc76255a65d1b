"""Whose turn it is: caps, turns between lanes, and what somebody waits for."""

import threading

from structlog.testing import capture_logs

from bridge.sync.fair_queue import FairQueue, Job
from bridge.sync.workers import workers

LONG = 30
"""Seconds after which a test has failed."""


def job(name, lane=1, *, cap=2, urgent=False, work=lambda: None):
    return Job(name, lane, cap, urgent, work)


def filled(*jobs, size=4):
    queue = FairQueue(size)
    for each in jobs:
        queue.put(each)
    return queue


def taken(queue, count):
    return [queue.take().name for _ in range(count)]


def has_nothing(queue):
    """Whether nobody is handed out anything more until something is done."""
    found = []
    thread = threading.Thread(target=lambda: found.append(queue.take()))
    thread.start()
    queue.close()
    thread.join(LONG)
    return found == [None]


def test_first_come_first_served():
    assert taken(filled(job("a"), job("b")), 2) == ["a", "b"]


def test_lanes_take_turns():
    queue = filled(*(job(f"a{n}", 1, cap=9) for n in range(3)), job("b0", 2), job("c0", 3), size=9)

    assert taken(queue, 5) == ["a0", "b0", "c0", "a1", "a2"]


def test_slow_lane_fills_its_cap_and_no_more():
    queue = filled(*(job(f"slow{n}", 1) for n in range(9)), *(job(f"other{n}", 2) for n in range(2)))

    assert sorted(taken(queue, 4)) == ["other0", "other1", "slow0", "slow1"]
    assert has_nothing(queue)


def test_lane_goes_on_when_one_of_its_jobs_is_done():
    queue = filled(job("a", cap=1), job("b", cap=1))
    first = queue.take()

    queue.done(first)

    assert taken(queue, 1) == ["b"]


def test_size_bounds_all_lanes_together():
    queue = filled(*(job(str(lane), lane) for lane in range(9)), size=3)

    assert len(taken(queue, 3)) == 3
    assert has_nothing(queue)


def test_urgent_job_goes_first():
    queue = filled(job("a"), job("b"), job("now", urgent=True))

    assert taken(queue, 1) == ["now"]


def test_urgent_job_finds_a_place_where_lane_and_workers_are_full():
    queue = filled(job("a"), job("b"), size=2)
    taken(queue, 2)

    queue.put(job("now", urgent=True))

    assert taken(queue, 1) == ["now"]


def test_urgent_jobs_of_one_lane_have_one_place_more_and_not_many():
    queue = filled(*(job(f"now{n}", urgent=True) for n in range(9)), size=9)

    assert taken(queue, 3) == ["now0", "now1", "now2"]
    assert has_nothing(queue)


def test_job_that_waits_already_waits_once():
    queue = filled(job("a"), job("a"))

    assert taken(queue, 1) == ["a"]
    queue.done(job("a"))
    assert has_nothing(queue)


def test_job_that_becomes_urgent_waits_once():
    queue = filled(job("a"), job("b"), job("b", urgent=True))

    assert taken(queue, 2) == ["b", "a"]


def test_ordinary_job_of_the_name_of_an_urgent_one_changes_nothing():
    queue = filled(job("a", urgent=True), job("a"))

    assert queue.take().urgent
    queue.done(job("a"))
    assert has_nothing(queue)


def test_one_name_is_never_done_twice_at_a_time():
    queue = filled(job("a"))
    first = queue.take()

    queue.put(job("a", urgent=True))
    queue.put(job("b"))

    assert taken(queue, 1) == ["b"]
    queue.done(first)
    assert taken(queue, 1) == ["a"]


def test_workers_do_everything_and_join_waits_for_it():
    queue, done = FairQueue(3), []
    for number in range(50):
        queue.put(job(str(number), number % 5, work=lambda number=number: done.append(number)))

    with workers(queue):
        queue.join()
        assert sorted(done) == list(range(50))


def test_job_that_fails_ends_nothing():
    def fail():
        raise OSError("disk full")

    queue, done = filled(job("bad", work=fail)), []

    with capture_logs() as logs, workers(queue):
        queue.join()
        queue.put(job("good", work=lambda: done.append(1)))
        queue.join()

    assert done == [1]
    assert {"event": "job_failed", "job": "bad", "log_level": "error", "exc_info": True} in logs


def test_urgent_job_is_begun_while_every_other_worker_is_busy():
    queue, end, begun = FairQueue(2), threading.Event(), threading.Event()
    for number in range(5):
        queue.put(job(str(number), number, work=lambda: end.wait(LONG)))

    with workers(queue):
        queue.put(job("now", 9, urgent=True, work=begun.set))

        assert begun.wait(LONG)
        end.set()
