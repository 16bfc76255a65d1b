-- The mirror: what the sources said (facts), and what is served of it (documents).
--
-- A collection's table is named by its wire name and has one generated column per field that holds at most one
-- value, named by the field's dotted path, so that a filter's field is its column. dateLastModified is the stamp of
-- the write that last changed the record; it is joined on when served. An index holds the rows of one value in the order
-- of seq, which is why kinds have one with the status and one without.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(16))));

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One attempt to reconcile one context. The counts are of members; documents holds the counts per collection and
-- kind of change, as JSON.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    context TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT,
    outcome TEXT NOT NULL DEFAULT 'running',
    complete INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    unchanged INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    documents TEXT NOT NULL DEFAULT '{}',
    message TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX runs_by_context ON runs (source, context, id);

-- Members that could not be used, and why.
CREATE TABLE quarantine (
    run INTEGER NOT NULL REFERENCES runs (id),
    position INTEGER NOT NULL,
    subject TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Whom a held plan would remove: an approval lets these go and nobody else.
CREATE TABLE held (
    run INTEGER NOT NULL REFERENCES runs (id),
    subject TEXT NOT NULL,
    PRIMARY KEY (run, subject)
) STRICT, WITHOUT ROWID;

-- Where each context stands: the run that a new plan must build on, and what its documents were derived with.
CREATE TABLE contexts (
    source INTEGER NOT NULL REFERENCES sources (id),
    context TEXT NOT NULL,
    run INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    complete_run INTEGER,
    PRIMARY KEY (source, context)
) STRICT, WITHOUT ROWID;

-- What a source said, as it came. gone is the run that found it gone; lead marks a claim to be the primary teacher.
CREATE TABLE facts (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id),
    context TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    raw TEXT NOT NULL,
    hash BLOB NOT NULL,
    lead INTEGER NOT NULL DEFAULT 0,
    run INTEGER NOT NULL,
    gone INTEGER,
    UNIQUE (source, context, kind, subject)
) STRICT;
CREATE INDEX facts_by_subject ON facts (source, subject, kind) WHERE subject <> '';
CREATE INDEX facts_by_lead ON facts (source, context) WHERE lead = 1 AND gone IS NULL;

-- One row per write transaction; stamp is set by its last statement and is later than every earlier one.
CREATE TABLE writes (
    changed INTEGER PRIMARY KEY,
    stamp TEXT NOT NULL UNIQUE,
    run INTEGER
) STRICT;

-- What was done to each record; before is the document that the change replaced.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    changed INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES sources (id),
    collection TEXT NOT NULL,
    sourcedId TEXT NOT NULL,
    kind TEXT NOT NULL,
    before TEXT
) STRICT;
CREATE INDEX changes_by_write ON changes (changed);
CREATE INDEX changes_by_record ON changes (collection, sourcedId, id);

-- What subscribers are still to be told: no names, so that it may be kept and sent freely.
CREATE TABLE outbox (
    event INTEGER PRIMARY KEY AUTOINCREMENT,
    changed INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES sources (id),
    collection TEXT NOT NULL,
    sourcedId TEXT NOT NULL,
    kind TEXT NOT NULL
) STRICT;

-- The write that last changed anything of a collection that a source gave: what an unchanged answer is known by.
CREATE TABLE marks (
    source INTEGER NOT NULL REFERENCES sources (id),
    collection TEXT NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (source, collection)
) STRICT, WITHOUT ROWID;
CREATE INDEX marks_by_collection ON marks (collection, changed);

-- Counts of documents, kept in the write transaction. kind is '' for all, else one role or type.
CREATE TABLE tallies (
    source INTEGER NOT NULL REFERENCES sources (id),
    collection TEXT NOT NULL,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, collection, status, kind)
) STRICT, WITHOUT ROWID;

-- Values that references and lists hold, to look records up by.
CREATE TABLE facet_fields (
    field INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (collection, path)
) STRICT;
CREATE TABLE facets (
    field INTEGER NOT NULL REFERENCES facet_fields (field),
    value TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (field, value, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO facet_fields (collection, path) VALUES
    ('orgs', 'parent.sourcedId'),
    ('orgs', 'children.sourcedId'),
    ('academicSessions', 'parent.sourcedId'),
    ('academicSessions', 'children.sourcedId'),
    ('courses', 'schoolYear.sourcedId'),
    ('courses', 'grades'),
    ('courses', 'subjects'),
    ('courses', 'org.sourcedId'),
    ('courses', 'subjectCodes'),
    ('courses', 'resources.sourcedId'),
    ('classes', 'grades'),
    ('classes', 'subjects'),
    ('classes', 'course.sourcedId'),
    ('classes', 'school.sourcedId'),
    ('classes', 'terms.sourcedId'),
    ('classes', 'subjectCodes'),
    ('classes', 'periods'),
    ('classes', 'resources.sourcedId'),
    ('users', 'userIds.type'),
    ('users', 'userIds.identifier'),
    ('users', 'roles.roleType'),
    ('users', 'roles.role'),
    ('users', 'roles.role@org.sourcedId'),
    ('users', 'roles.org.sourcedId'),
    ('users', 'primaryOrg.sourcedId'),
    ('users', 'agents.sourcedId'),
    ('users', 'grades'),
    ('users', 'resources.sourcedId'),
    ('enrollments', 'user.sourcedId'),
    ('enrollments', 'class.sourcedId'),
    ('enrollments', 'school.sourcedId');

CREATE TABLE "orgs" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "name" TEXT AS (document ->> '$.name') VIRTUAL,
    "type" TEXT AS (document ->> '$.type') VIRTUAL,
    "identifier" TEXT AS (document ->> '$.identifier') VIRTUAL,
    "parent.sourcedId" TEXT AS (document ->> '$.parent.sourcedId') VIRTUAL,
    "parent.href" TEXT AS (document ->> '$.parent.href') VIRTUAL,
    "parent.type" TEXT AS (document ->> '$.parent.type') VIRTUAL
) STRICT;
CREATE INDEX "orgs_by_source" ON "orgs" (source);
CREATE INDEX "orgs_by_changed" ON "orgs" (changed);
CREATE INDEX "orgs_by_kind" ON "orgs" ("type");
CREATE INDEX "orgs_by_kind_and_status" ON "orgs" ("type", status);
CREATE INDEX "orgs_by_status" ON "orgs" (status);

CREATE TABLE "academicSessions" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "title" TEXT AS (document ->> '$.title') VIRTUAL,
    "startDate" TEXT AS (document ->> '$.startDate') VIRTUAL,
    "endDate" TEXT AS (document ->> '$.endDate') VIRTUAL,
    "type" TEXT AS (document ->> '$.type') VIRTUAL,
    "parent.sourcedId" TEXT AS (document ->> '$.parent.sourcedId') VIRTUAL,
    "parent.href" TEXT AS (document ->> '$.parent.href') VIRTUAL,
    "parent.type" TEXT AS (document ->> '$.parent.type') VIRTUAL,
    "schoolYear" TEXT AS (document ->> '$.schoolYear') VIRTUAL
) STRICT;
CREATE INDEX "academicSessions_by_source" ON "academicSessions" (source);
CREATE INDEX "academicSessions_by_changed" ON "academicSessions" (changed);
CREATE INDEX "academicSessions_by_kind" ON "academicSessions" ("type");
CREATE INDEX "academicSessions_by_kind_and_status" ON "academicSessions" ("type", status);
CREATE INDEX "academicSessions_by_status" ON "academicSessions" (status);

CREATE TABLE "courses" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "title" TEXT AS (document ->> '$.title') VIRTUAL,
    "schoolYear.sourcedId" TEXT AS (document ->> '$.schoolYear.sourcedId') VIRTUAL,
    "schoolYear.href" TEXT AS (document ->> '$.schoolYear.href') VIRTUAL,
    "schoolYear.type" TEXT AS (document ->> '$.schoolYear.type') VIRTUAL,
    "courseCode" TEXT AS (document ->> '$.courseCode') VIRTUAL,
    "org.sourcedId" TEXT AS (document ->> '$.org.sourcedId') VIRTUAL,
    "org.href" TEXT AS (document ->> '$.org.href') VIRTUAL,
    "org.type" TEXT AS (document ->> '$.org.type') VIRTUAL
) STRICT;
CREATE INDEX "courses_by_source" ON "courses" (source);
CREATE INDEX "courses_by_changed" ON "courses" (changed);
CREATE INDEX "courses_by_status" ON "courses" (status);

CREATE TABLE "classes" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "title" TEXT AS (document ->> '$.title') VIRTUAL,
    "classCode" TEXT AS (document ->> '$.classCode') VIRTUAL,
    "classType" TEXT AS (document ->> '$.classType') VIRTUAL,
    "location" TEXT AS (document ->> '$.location') VIRTUAL,
    "course.sourcedId" TEXT AS (document ->> '$.course.sourcedId') VIRTUAL,
    "course.href" TEXT AS (document ->> '$.course.href') VIRTUAL,
    "course.type" TEXT AS (document ->> '$.course.type') VIRTUAL,
    "school.sourcedId" TEXT AS (document ->> '$.school.sourcedId') VIRTUAL,
    "school.href" TEXT AS (document ->> '$.school.href') VIRTUAL,
    "school.type" TEXT AS (document ->> '$.school.type') VIRTUAL
) STRICT;
CREATE INDEX "classes_by_source" ON "classes" (source);
CREATE INDEX "classes_by_changed" ON "classes" (changed);
CREATE INDEX "classes_by_kind" ON "classes" ("classType");
CREATE INDEX "classes_by_kind_and_status" ON "classes" ("classType", status);
CREATE INDEX "classes_by_status" ON "classes" (status);

CREATE TABLE "users" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "userMasterIdentifier" TEXT AS (document ->> '$.userMasterIdentifier') VIRTUAL,
    "username" TEXT AS (document ->> '$.username') VIRTUAL,
    "enabledUser" TEXT AS (document ->> '$.enabledUser') VIRTUAL,
    "givenName" TEXT AS (document ->> '$.givenName') VIRTUAL,
    "familyName" TEXT AS (document ->> '$.familyName') VIRTUAL,
    "middleName" TEXT AS (document ->> '$.middleName') VIRTUAL,
    "preferredFirstName" TEXT AS (document ->> '$.preferredFirstName') VIRTUAL,
    "preferredMiddleName" TEXT AS (document ->> '$.preferredMiddleName') VIRTUAL,
    "preferredLastName" TEXT AS (document ->> '$.preferredLastName') VIRTUAL,
    "pronouns" TEXT AS (document ->> '$.pronouns') VIRTUAL,
    "primaryOrg.sourcedId" TEXT AS (document ->> '$.primaryOrg.sourcedId') VIRTUAL,
    "primaryOrg.href" TEXT AS (document ->> '$.primaryOrg.href') VIRTUAL,
    "primaryOrg.type" TEXT AS (document ->> '$.primaryOrg.type') VIRTUAL,
    "identifier" TEXT AS (document ->> '$.identifier') VIRTUAL,
    "email" TEXT AS (document ->> '$.email') VIRTUAL,
    "sms" TEXT AS (document ->> '$.sms') VIRTUAL,
    "phone" TEXT AS (document ->> '$.phone') VIRTUAL
) STRICT;
CREATE INDEX "users_by_source" ON "users" (source);
CREATE INDEX "users_by_changed" ON "users" (changed);
CREATE INDEX "users_by_status" ON "users" (status);

CREATE TABLE "enrollments" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "user.sourcedId" TEXT AS (document ->> '$.user.sourcedId') VIRTUAL,
    "user.href" TEXT AS (document ->> '$.user.href') VIRTUAL,
    "user.type" TEXT AS (document ->> '$.user.type') VIRTUAL,
    "class.sourcedId" TEXT AS (document ->> '$.class.sourcedId') VIRTUAL,
    "class.href" TEXT AS (document ->> '$.class.href') VIRTUAL,
    "class.type" TEXT AS (document ->> '$.class.type') VIRTUAL,
    "school.sourcedId" TEXT AS (document ->> '$.school.sourcedId') VIRTUAL,
    "school.href" TEXT AS (document ->> '$.school.href') VIRTUAL,
    "school.type" TEXT AS (document ->> '$.school.type') VIRTUAL,
    "role" TEXT AS (document ->> '$.role') VIRTUAL,
    "primary" TEXT AS (document ->> '$.primary') VIRTUAL,
    "beginDate" TEXT AS (document ->> '$.beginDate') VIRTUAL,
    "endDate" TEXT AS (document ->> '$.endDate') VIRTUAL
) STRICT;
CREATE INDEX "enrollments_by_source" ON "enrollments" (source);
CREATE INDEX "enrollments_by_changed" ON "enrollments" (changed);
CREATE INDEX "enrollments_by_kind" ON "enrollments" ("role");
CREATE INDEX "enrollments_by_kind_and_status" ON "enrollments" ("role", status);
CREATE INDEX "enrollments_by_status" ON "enrollments" (status);

CREATE TABLE "demographics" (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id),
    sourcedId TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,
    document TEXT NOT NULL,
    "status" TEXT AS (document ->> '$.status') VIRTUAL,
    "birthDate" TEXT AS (document ->> '$.birthDate') VIRTUAL,
    "sex" TEXT AS (document ->> '$.sex') VIRTUAL,
    "americanIndianOrAlaskaNative" TEXT AS (document ->> '$.americanIndianOrAlaskaNative') VIRTUAL,
    "asian" TEXT AS (document ->> '$.asian') VIRTUAL,
    "blackOrAfricanAmerican" TEXT AS (document ->> '$.blackOrAfricanAmerican') VIRTUAL,
    "nativeHawaiianOrOtherPacificIslander" TEXT AS (document ->> '$.nativeHawaiianOrOtherPacificIslander') VIRTUAL,
    "white" TEXT AS (document ->> '$.white') VIRTUAL,
    "demographicRaceTwoOrMoreRaces" TEXT AS (document ->> '$.demographicRaceTwoOrMoreRaces') VIRTUAL,
    "hispanicOrLatinoEthnicity" TEXT AS (document ->> '$.hispanicOrLatinoEthnicity') VIRTUAL,
    "countryOfBirthCode" TEXT AS (document ->> '$.countryOfBirthCode') VIRTUAL,
    "stateOfBirthAbbreviation" TEXT AS (document ->> '$.stateOfBirthAbbreviation') VIRTUAL,
    "cityOfBirth" TEXT AS (document ->> '$.cityOfBirth') VIRTUAL,
    "publicSchoolResidenceStatus" TEXT AS (document ->> '$.publicSchoolResidenceStatus') VIRTUAL
) STRICT;
CREATE INDEX "demographics_by_source" ON "demographics" (source);
CREATE INDEX "demographics_by_changed" ON "demographics" (changed);
CREATE INDEX "demographics_by_status" ON "demographics" (status);
