"""Who is let in, who is not any more, and who has tried too often."""

import threading
from datetime import timedelta

import pytest

from bridge.registry.sign_ins import MOST_BY_ACCOUNT, MOST_BY_ADDRESS, MOST_BY_BOTH, WINDOW
from tests.admin.conftest import PASSWORD, Site, Visitor, words

WRONG = "not the password at all"


def test_operator_signs_in_with_her_password(stranger):
    stranger.sign_in()

    assert stranger.is_in


def test_name_is_compared_without_regard_to_case(stranger):
    stranger.sign_in("ADA")

    assert stranger.is_in


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_wrong_password_and_unknown_name_are_refused_in_the_same_words(stranger, name):
    answer = stranger.sign_in(name, WRONG)

    assert answer.status_code == 403
    assert "There is no such account, or this is not its password." in words(answer)
    assert not stranger.is_in


def test_one_is_led_to_the_page_that_was_asked_for(stranger):
    stranger.get("/admin/clients/")

    assert stranger.page.url.endswith("/admin/sign-in?next=/clients/")
    answer = stranger.post("/admin/sign-in?next=/clients/", operator="ada", password=PASSWORD)
    assert answer.url.endswith("/admin/clients/")


@pytest.mark.parametrize(
    "target", ["//elsewhere.example.org/", "https://elsewhere.example.org/", "/\\elsewhere.example.org"]
)
def test_nobody_is_led_elsewhere(stranger, site, target):
    answer = stranger.post(f"/admin/sign-in?next={target}", operator="ada", password=PASSWORD)

    assert answer.url == f"{site.url}/admin/"


def test_sign_out_ends_the_session(operator):
    operator.post("/admin/sign-out", shown_at="/admin/")

    assert not operator.is_in


def test_cookie_that_was_copied_is_worth_nothing_after_sign_out(site, operator):
    thief = site.visitor()
    thief.session.cookies.update(operator.session.cookies)
    assert thief.is_in

    operator.post("/admin/sign-out", shown_at="/admin/")

    assert not thief.is_in


def test_changed_password_ends_sessions_at_once(site, operator):
    site.wiring.registry.operators.set_password("ada", "another good long password")

    assert not operator.is_in


def test_removed_account_ends_sessions_at_once(site, operator):
    site.wiring.registry.operators.remove("ada")

    assert not operator.is_in


def test_account_made_anew_does_not_revive_sessions_of_the_old_one(site, operator):
    site.wiring.registry.operators.remove("ada")
    site.wiring.registry.operators.add("ada", PASSWORD)

    assert not operator.is_in


def test_session_ends_twelve_hours_after_it_began(site, operator, clock):
    for _ in range(13):
        clock.turn(minutes=55)
        assert operator.is_in
    clock.turn(minutes=6)

    assert not operator.is_in


def test_session_ends_an_hour_after_it_was_last_used(operator, clock):
    clock.turn(minutes=59)
    used = operator.is_in
    clock.turn(minutes=59)
    used_again = operator.is_in
    clock.turn(minutes=61)

    assert (used, used_again, operator.is_in) == (True, True, False)


def test_session_that_existed_before_signing_in_is_not_kept(stranger):
    stranger.get("/admin/sign-in")
    before = stranger.session.cookies["bridge_admin"]

    stranger.sign_in()

    assert stranger.session.cookies["bridge_admin"] != before


def fail(site: Site, times: int, name: str = "ada") -> None:
    for _ in range(times):
        site.wiring.registry.sign_ins.failed(name, "127.0.0.1")


def test_after_too_many_failures_the_right_password_is_refused_too(site, stranger):
    for _ in range(MOST_BY_BOTH):
        stranger.sign_in(password=WRONG)

    answer = stranger.sign_in()

    assert "Too many sign-ins have failed" in words(answer)
    assert not stranger.is_in


def test_of_many_tries_at_once_no_more_are_looked_at_than_one_by_one(site):
    stop, tried = threading.Barrier(3 * MOST_BY_BOTH), []

    def guess():
        visitor = site.visitor()
        visitor.get("/admin/sign-in")
        stop.wait(30)
        tried.append("not its password" in words(visitor.sign_in(password=WRONG)))

    threads = [threading.Thread(target=guess) for _ in range(3 * MOST_BY_BOTH)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tried) == 3 * MOST_BY_BOTH
    assert sum(tried) == MOST_BY_BOTH


def test_lock_ends_when_the_failures_are_old(site, stranger, clock):
    fail(site, MOST_BY_BOTH)
    clock.turn(seconds=WINDOW.total_seconds() + 1)

    stranger.sign_in()

    assert stranger.is_in


def test_lock_is_held_in_the_registry_for_every_worker(site, tmp_path, clock):
    fail(site, MOST_BY_BOTH)
    other = Site(tmp_path / "var", clock)
    visitor = Visitor(other.url)
    try:
        visitor.sign_in()
        assert not visitor.is_in
    finally:
        other.close()


def test_failures_at_one_address_do_not_lock_the_account_s_owner_out_elsewhere(site):
    sign_ins = site.wiring.registry.sign_ins
    for _ in range(MOST_BY_BOTH):
        sign_ins.failed("ada", "192.0.2.1")

    assert sign_ins.locked_until("ada", "192.0.2.1") is not None
    assert sign_ins.locked_until("ada", "192.0.2.2") is None


def test_address_that_tries_many_accounts_is_locked_out_of_all(site):
    sign_ins = site.wiring.registry.sign_ins
    for number in range(MOST_BY_ADDRESS):
        sign_ins.failed(f"guess-{number}", "192.0.2.1")

    assert sign_ins.locked_until("ada", "192.0.2.1") is not None


def test_account_that_is_tried_from_many_addresses_is_locked(site):
    sign_ins = site.wiring.registry.sign_ins
    for number in range(MOST_BY_ACCOUNT):
        sign_ins.failed("ada", f"192.0.2.{number}")

    assert sign_ins.locked_until("Ada", "198.51.100.1") is not None


def test_lock_lasts_until_the_oldest_of_the_counted_failures_is_old(site, clock):
    sign_ins = site.wiring.registry.sign_ins
    first = clock()
    for _ in range(MOST_BY_BOTH):
        sign_ins.failed("ada", "192.0.2.1")
        clock.turn(minutes=1)

    assert sign_ins.locked_until("ada", "192.0.2.1") == first + WINDOW
    assert timedelta(0) < WINDOW


def test_success_forgets_the_failures_before_it(site, stranger):
    fail(site, MOST_BY_BOTH - 1)
    stranger.sign_in()
    stranger.post("/admin/sign-out", shown_at="/admin/")

    stranger.sign_in(password=WRONG)
    stranger.sign_in()

    assert stranger.is_in


def test_success_is_not_counted(site, stranger):
    stranger.sign_in()

    assert stranger.is_in
    assert site.wiring.registry.db.execute("SELECT count(*) FROM sign_in_failures").fetchone() == (0,)


def test_what_was_typed_as_a_name_is_not_kept(site, stranger):
    stranger.sign_in(name="oops-my-password", password=WRONG)

    rows = site.wiring.registry.db.execute("SELECT counted FROM sign_in_failures").fetchall()
    assert rows
    assert all(b"oops" not in counted for (counted,) in rows)


def test_address_is_the_proxy_s_word_only_where_a_proxy_is_configured(tmp_path, clock):
    site = Site(tmp_path / "other", clock, proxies=1)
    site.wiring.registry.operators.add("ada", PASSWORD)
    visitor = site.visitor()
    visitor.session.headers["X-Forwarded-For"] = "203.0.113.9"
    try:
        visitor.sign_in(password=WRONG)
        failed_from_there = [site.wiring.registry.sign_ins.locked_until("ada", "203.0.113.9")]
        for _ in range(MOST_BY_BOTH - 1):
            visitor.sign_in(password=WRONG)
        failed_from_there.append(site.wiring.registry.sign_ins.locked_until("ada", "203.0.113.9"))
    finally:
        site.close()
    assert failed_from_there[0] is None
    assert failed_from_there[1] is not None


def test_first_visitor_is_told_how_to_make_an_account(tmp_path, clock):
    site = Site(tmp_path / "other", clock)
    try:
        assert "bridge operators add" in words(site.visitor().get("/admin/"))
    finally:
        site.close()
