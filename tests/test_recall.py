"""What is recalled of a file is what the file says."""

import sqlite3

import pytest

from bridge.recall import Recall


@pytest.fixture
def connect(tmp_path):
    opened = []

    def connect():
        connection = sqlite3.connect(tmp_path / "file.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("CREATE TABLE IF NOT EXISTS word (text TEXT)")
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def reader(connection):
    """Recalls the words, and counts how often it has read them."""
    recall, times = Recall(connection), []

    def read():
        times.append(None)
        return connection.execute("SELECT text FROM word").fetchall()

    def recalled():
        recall.refresh()
        return recall.get("words", read)

    return recalled, times


def test_nothing_is_read_twice_while_nothing_changes(connect):
    recalled, times = reader(connect())

    assert recalled() == recalled() == []
    assert len(times) == 1


def test_commit_of_another_connection_is_seen(connect):
    recalled, _ = reader(connect())
    recalled()

    connect().execute("INSERT INTO word VALUES ('new')")

    assert recalled() == [("new",)]


def test_own_write_is_seen(connect):
    connection = connect()
    recalled, _ = reader(connection)
    recalled()

    connection.execute("INSERT INTO word VALUES ('own')")

    assert recalled() == [("own",)]


def test_transaction_recalls_its_own_snapshot(connect):
    connection = connect()
    recalled, _ = reader(connection)
    connection.execute("BEGIN")
    recalled()
    connect().execute("INSERT INTO word VALUES ('later')")

    assert recalled() == []
    connection.execute("ROLLBACK")
    assert recalled() == [("later",)]


def test_what_could_not_be_read_is_not_kept(connect):
    recall = Recall(connect())
    recall.refresh()

    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        recall.get("key", fail)

    assert recall.get("key", lambda: "found") == "found"


def test_what_is_not_to_be_kept_is_read_each_time(connect):
    recall, times = Recall(connect()), []
    recall.refresh()

    for _ in range(2):
        recall.get("key", lambda: times.append(None), keep=False)

    assert len(times) == 2
