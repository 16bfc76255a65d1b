"""Taking up what LTI tools have handed in of people: facts that no snapshot states.

A hand-in adds to what was handed in before, and removes nobody. It is no run: it tells nothing of how reading the
context goes, neither makes it fresh nor can be undone. Once a roster of the context is known, what is handed in is kept
and changes no record.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlite_utils import Database

from bridge import storage
from bridge.clock import Clock
from bridge.mirror.applying import context_fact, facts_about
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.past_sessions import past_sessions
from bridge.mirror.staged import fact_hash
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.fed import join_words
from bridge.roster.identity import ContextKey, PersonKey, SourcedId, user_sourced_id
from bridge.roster.ports import Derivation

_NO_RUN = 0
_LIVE = "source = :source AND context = :context AND kind = 'fed' AND gone IS NULL"


def feed(
    mirror: Mirror,
    source: str,
    context: ContextKey,
    words: Mapping[str, bytes],
    derivation: Derivation,
    clock: Clock,
    *,
    erased: Callable[[Collection[SourcedId]], Collection[SourcedId]],
) -> int:
    """Keep words about people of one context, and derive what follows; returns how many records have changed.

    The context's class is there afterwards, also if nobody is named: that much is known of it now.

    :param words: by person key, as :func:`bridge.roster.fed.write_word` writes them.
    :param erased: those of these people who were erased; it is asked once nobody else can write, so that whoever is
        erased meanwhile is either left out here or found by her erasing.
    :raises ValueError: if a word cannot be read; nothing is kept then.
    """
    db = mirror.db
    with storage.write(db):
        gone = erased([user_sourced_id(source, PersonKey(subject)) for subject in words])
        words = {
            subject: raw for subject, raw in words.items() if user_sourced_id(source, PersonKey(subject)) not in gone
        }
        number = mirror.add_source(source)
        key = {"source": number, "context": context}
        for subject, raw in words.items():
            _keep(db, key, subject, raw)
        if has_roster(mirror, source, context):
            return 0
        changed = next_changed(db)
        documents = Documents(db, number, changed)
        supplied = derivation.of_source()
        documents.put(supplied)
        documents.put(derivation.of_context(context_fact(db, key), context))
        documents.put(past_sessions(db, number, {one.sourced_id for one in supplied}))
        touched = _touched(mirror, key, words, derivation)
        facts = facts_about(db, number, touched)
        for subject in touched:
            documents.put(derivation.of_member(subject, context, facts[subject], sole_lead=False))
        documents.finish()
        if documents.counts:
            stamp(db, changed, None, clock)
        return documents.counts.total()


def has_roster(mirror: Mirror, source: str, context: ContextKey) -> bool:
    """Whether a roster of this context has ever been taken over from its source."""
    row = mirror.db.execute(
        "SELECT 1 FROM contexts WHERE source = (SELECT id FROM sources WHERE name = ?) AND context = ?",
        (source, context),
    ).fetchone()
    return row is not None


def _keep(db: Database, key: dict[str, Any], subject: str, raw: bytes) -> None:
    about = {**key, "subject": subject}
    held = db.execute(f"SELECT raw FROM facts WHERE {_LIVE} AND subject = :subject", about).fetchone()  # noqa: S608
    # Joined with itself a word is read, whether or not there is another.
    text = join_words(held[0].encode() if held else raw, raw).decode()
    db.execute(
        "INSERT INTO facts (source, context, kind, subject, raw, hash, run)"
        " VALUES (:source, :context, 'fed', :subject, :raw, :hash, :run)"
        " ON CONFLICT (source, context, kind, subject) DO UPDATE SET raw = excluded.raw, hash = excluded.hash",
        {**about, "raw": text, "hash": fact_hash(text.encode()), "run": _NO_RUN},
    )


def _touched(mirror: Mirror, key: dict[str, Any], words: Mapping[str, bytes], derivation: Derivation) -> list[str]:
    """Whose records may differ now: under a new mapping everybody's of whom the context was fed."""
    noted = f"fed {key['source']} {key['context']}"
    if mirror.noted(noted) == derivation.fingerprint:
        return sorted(words)
    mirror.note(noted, derivation.fingerprint)
    return [
        subject
        for (subject,) in mirror.db.execute(f"SELECT subject FROM facts WHERE {_LIVE} ORDER BY subject", key)  # noqa: S608
    ]
