-- Members as tools are told of them, one text each, so that a page of a class is one join: see bridge/mirror/telling.py.
--
-- A roster is told from facts (name is its context) or from records (name is its class's sourcedId). rule names what
-- its texts depend on beside these, and is '' before the first is written; they are all there, to be used from the day
-- opens until before the day closes, if complete is 1 and nobody of it is in untold. up_to is the place to go on
-- behind while it is 0.
CREATE TABLE told_rosters (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id),
    kind TEXT NOT NULL CHECK (kind IN ('facts', 'records')),
    name TEXT NOT NULL,
    rule TEXT NOT NULL DEFAULT '',
    opens TEXT NOT NULL DEFAULT '',
    closes TEXT NOT NULL DEFAULT '',
    up_to INTEGER NOT NULL DEFAULT 0,
    complete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, kind, name)
) STRICT;
CREATE INDEX told_rosters_waiting ON told_rosters (id) WHERE complete = 0;
CREATE INDEX told_rosters_closing ON told_rosters (closes) WHERE complete = 1;

-- place is the id of the fact, or the seq of the user. text is the member with all that there is to tell; the last columns
-- say where its parts end, in bytes: see bridge/roster/told.py. sourced_id is JSON too.
CREATE TABLE told (
    roster INTEGER NOT NULL REFERENCES told_rosters (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    text TEXT NOT NULL,
    sourced_id TEXT NOT NULL,
    user_id_end INTEGER NOT NULL,
    roles_end INTEGER NOT NULL,
    status_end INTEGER NOT NULL,
    names_end INTEGER NOT NULL,
    email_end INTEGER NOT NULL,
    picture_end INTEGER NOT NULL,
    sourcedid_end INTEGER NOT NULL,
    PRIMARY KEY (roster, place)
) STRICT, WITHOUT ROWID;

-- Whose text is out of date. It goes at once, in the transaction that makes it so, so that nothing is told, or kept, of
-- somebody that is true no more.
CREATE TABLE untold (
    roster INTEGER NOT NULL REFERENCES told_rosters (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    PRIMARY KEY (roster, place)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER untold_is_not_told AFTER INSERT ON untold
BEGIN
    DELETE FROM told WHERE roster = new.roster AND place = new.place;
END;

CREATE TRIGGER roster_without_rule_is_not_told AFTER UPDATE OF rule ON told_rosters WHEN new.rule = ''
BEGIN
    DELETE FROM told WHERE roster = new.id;
    DELETE FROM untold WHERE roster = new.id;
END;

INSERT INTO told_rosters (source, kind, name) SELECT source, 'facts', context FROM contexts;
INSERT INTO told_rosters (source, kind, name) SELECT source, 'records', sourcedId FROM classes;

CREATE TRIGGER context_is_to_be_told AFTER INSERT ON contexts
BEGIN
    INSERT INTO told_rosters (source, kind, name) VALUES (new.source, 'facts', new.context) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER class_is_to_be_told AFTER INSERT ON classes
BEGIN
    INSERT INTO told_rosters (source, kind, name) VALUES (new.source, 'records', new.sourcedId) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER dropped_class_is_not_told AFTER DELETE ON classes
BEGIN
    DELETE FROM told_rosters WHERE source = old.source AND kind = 'records' AND name = old.sourcedId;
END;

CREATE TRIGGER new_member_is_untold AFTER INSERT ON facts WHEN new.kind = 'member'
BEGIN
    INSERT INTO untold (roster, place) SELECT id, new.id FROM told_rosters
    WHERE source = new.source AND kind = 'facts' AND name = new.context AND rule <> '' ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER changed_member_is_untold AFTER UPDATE OF raw, gone ON facts WHEN new.kind = 'member'
BEGIN
    INSERT INTO untold (roster, place) SELECT id, new.id FROM told_rosters
    WHERE source = new.source AND kind = 'facts' AND name = new.context AND rule <> '' ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER dropped_member_is_untold AFTER DELETE ON facts WHEN old.kind = 'member'
BEGIN
    INSERT INTO untold (roster, place) SELECT id, old.id FROM told_rosters
    WHERE source = old.source AND kind = 'facts' AND name = old.context AND rule <> '' ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER new_enrollment_is_untold AFTER INSERT ON enrollments
BEGIN
    INSERT INTO untold (roster, place) SELECT r.id, u.seq FROM told_rosters AS r
    JOIN users AS u ON u.sourcedId = new."user.sourcedId"
    WHERE r.source = new.source AND r.kind = 'records' AND r.name = new."class.sourcedId" AND r.rule <> ''
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER changed_enrollment_is_untold AFTER UPDATE OF document ON enrollments
BEGIN
    INSERT INTO untold (roster, place) SELECT r.id, u.seq FROM told_rosters AS r
    JOIN users AS u ON u.sourcedId = new."user.sourcedId"
    WHERE r.source = new.source AND r.kind = 'records' AND r.name = new."class.sourcedId" AND r.rule <> ''
    ON CONFLICT DO NOTHING;
    INSERT INTO untold (roster, place) SELECT r.id, u.seq FROM told_rosters AS r
    JOIN users AS u ON u.sourcedId = old."user.sourcedId"
    WHERE r.source = old.source AND r.kind = 'records' AND r.name = old."class.sourcedId" AND r.rule <> ''
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER dropped_enrollment_is_untold AFTER DELETE ON enrollments
BEGIN
    INSERT INTO untold (roster, place) SELECT r.id, u.seq FROM told_rosters AS r
    JOIN users AS u ON u.sourcedId = old."user.sourcedId"
    WHERE r.source = old.source AND r.kind = 'records' AND r.name = old."class.sourcedId" AND r.rule <> ''
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER new_user_is_untold AFTER INSERT ON users
BEGIN
    INSERT INTO untold (roster, place) SELECT r.id, new.seq FROM enrollments AS e
    JOIN told_rosters AS r ON r.source = e.source AND r.kind = 'records' AND r.name = e."class.sourcedId"
    WHERE coalesce(e."user.sourcedId", x'') = new.sourcedId AND r.rule <> '' ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER changed_user_is_untold AFTER UPDATE OF document ON users
BEGIN
    INSERT INTO untold (roster, place) SELECT r.id, new.seq FROM enrollments AS e
    JOIN told_rosters AS r ON r.source = e.source AND r.kind = 'records' AND r.name = e."class.sourcedId"
    WHERE coalesce(e."user.sourcedId", x'') = new.sourcedId AND r.rule <> '' ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER dropped_user_is_untold AFTER DELETE ON users
BEGIN
    INSERT INTO untold (roster, place) SELECT r.id, old.seq FROM enrollments AS e
    JOIN told_rosters AS r ON r.source = e.source AND r.kind = 'records' AND r.name = e."class.sourcedId"
    WHERE coalesce(e."user.sourcedId", x'') = old.sourcedId AND r.rule <> '' ON CONFLICT DO NOTHING;
END;
