-- Nothing is lost.

CREATE TEMP TABLE kept AS SELECT field, value, seq FROM facets;
DROP TABLE facets;
CREATE TABLE facets (
    field INTEGER NOT NULL REFERENCES facet_fields (field),
    value TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (field, value, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO facets (field, value, seq) SELECT field, value, seq FROM temp.kept ORDER BY 1, 2, 3;
DROP TABLE temp.kept;
