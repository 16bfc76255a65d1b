"""Operators' accounts, and the record of what they did."""

import sqlite3
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from bridge.errors import InvalidRequest, UnknownObject
from bridge.registry.operators import _NOBODYS

PASSWORD = "correct horse battery staple"


@pytest.fixture
def operators(registry):
    return registry.operators


def test_right_password_is_accepted_and_the_sign_in_noted(operators, clock):
    operators.add("ada", PASSWORD)
    clock.turn(hours=1)

    found = operators.authenticate("Ada", PASSWORD)

    assert (found.name, found.last_sign_in) == ("ada", "2026-11-20T09:00:00.000Z")


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("ada", ""), ("bob", PASSWORD), ("", "")])
def test_anything_else_is_not(operators, name, password):
    operators.add("ada", PASSWORD)

    assert operators.authenticate(name, password) is None


def test_password_itself_is_not_stored(operators, registry):
    operators.add("ada", PASSWORD)

    ((stored,),) = registry.db.execute("SELECT password_hash FROM operators").fetchall()
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in "".join(registry.db.conn.iterdump())


def test_hash_by_outdated_parameters_is_replaced_at_sign_in(operators, registry):
    operators.add("ada", PASSWORD)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    registry.db.execute("UPDATE operators SET password_hash = ?", (weak,))

    assert operators.authenticate("ada", PASSWORD)

    ((stored,),) = registry.db.execute("SELECT password_hash FROM operators").fetchall()
    assert not PasswordHasher().check_needs_rehash(stored)
    assert operators.authenticate("ada", PASSWORD)


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 1025], ids=["none", "too short", "too long"])
def test_password_that_cannot_be_used_is_refused_without_being_repeated(operators, password):
    with pytest.raises(InvalidRequest, match="12 to 1024 characters"):
        operators.add("ada", password)


@pytest.mark.parametrize("name", ["", " ", " ada", "ada\n", "x" * 65], ids=repr)
def test_name_that_cannot_be_used_is_refused(operators, name):
    with pytest.raises(InvalidRequest, match="name"):
        operators.add(name, PASSWORD)


def test_name_is_given_once(operators):
    operators.add("ada", PASSWORD)

    with pytest.raises(InvalidRequest, match="already"):
        operators.add("ADA", PASSWORD)


def test_changed_password_raises_the_version_and_the_old_one_ends(operators):
    before = operators.add("ada", PASSWORD)

    after = operators.set_password("ada", "another good long password")

    assert after.version > before.version
    assert operators.of_session(before.id, before.version) is None
    assert operators.authenticate("ada", PASSWORD) is None
    assert operators.authenticate("ada", "another good long password") == operators.of_session(after.id, after.version)


def test_id_of_a_removed_account_is_not_used_again(operators):
    removed = operators.add("ada", PASSWORD)
    operators.remove("ada")

    assert operators.add("ada", PASSWORD).id > removed.id
    assert operators.of_session(removed.id, removed.version) is None


@pytest.mark.parametrize("change", [lambda one: one.remove("bob"), lambda one: one.set_password("bob", PASSWORD)])
def test_account_that_is_not_there_cannot_be_changed(operators, change):
    with pytest.raises(UnknownObject, match="no operator bob"):
        change(operators)


def test_activity_comes_newest_first_and_in_pages(registry):
    for number in range(5):
        registry.activity.add("ada", "did", str(number))

    first = registry.activity.latest(3)
    second = registry.activity.latest(3, before=first[-1].id)

    assert [deed.subject for deed in (*first, *second)] == ["4", "3", "2", "1", "0"]


def test_activity_is_forgotten_after_400_days(registry, clock):
    registry.activity.add("ada", "did", "old")
    clock.turn(days=401)
    registry.activity.add("ada", "did", "new")

    assert [deed.subject for deed in registry.activity.latest(9)] == ["new"]


def test_progress_of_a_lease_is_seen_by_others_and_ends_with_it(registry, clock):
    lease = registry.leases.acquire("context x", "one", timedelta(minutes=1))
    registry.leases.renew(lease, timedelta(minutes=1), 400)
    assert registry.leases.held("context x").progress == 400

    clock.turn(minutes=2)
    registry.leases.acquire("context x", "two", timedelta(minutes=1))

    assert registry.leases.held("context x").progress is None


def test_failed_sign_ins_are_forgotten_with_the_window(registry, clock):
    registry.sign_ins.failed("ada", "192.0.2.1")
    clock.turn(minutes=16)
    registry.sign_ins.failed("bob", "192.0.2.2")

    (count,) = registry.db.execute("SELECT count(*) FROM sign_in_failures").fetchone()
    assert count == 3


def test_two_operators_of_one_name_are_refused_by_the_file_itself(registry, operators):
    operators.add("ada", PASSWORD)

    with pytest.raises(sqlite3.IntegrityError):
        registry.db.execute("INSERT INTO operators (name, password_hash, created) VALUES ('Ada', 'x', 'y')")


def test_looking_for_a_name_that_nobody_has_costs_what_a_real_one_does():
    assert not PasswordHasher().check_needs_rehash(_NOBODYS)
