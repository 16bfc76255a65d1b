-- Facets lie by source, so that what looks a value up for a caller passes nothing of sources that she cannot see.
CREATE TABLE facets_by_source (
    field INTEGER NOT NULL REFERENCES facet_fields (field),
    source INTEGER NOT NULL REFERENCES sources (id),
    value TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (field, source, value, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO facets_by_source (field, source, value, seq)
SELECT f.field, r.source, f.value, f.seq
FROM facet_fields AS n JOIN facets AS f ON f.field = n.field JOIN (
    SELECT 'orgs' AS collection, seq, source FROM "orgs"
    UNION ALL SELECT 'academicSessions', seq, source FROM "academicSessions"
    UNION ALL SELECT 'courses', seq, source FROM "courses"
    UNION ALL SELECT 'classes', seq, source FROM "classes"
    UNION ALL SELECT 'users', seq, source FROM "users"
    UNION ALL SELECT 'enrollments', seq, source FROM "enrollments"
    UNION ALL SELECT 'demographics', seq, source FROM "demographics"
) AS r ON r.collection = n.collection AND r.seq = f.seq
ORDER BY 1, 2, 3, 4;

DROP TABLE facets;
ALTER TABLE facets_by_source RENAME TO facets;
