-- Sources whose records come in CSV files that somebody hands over. The name stands for the source in the mirror, so it
-- is a tenant's too; the prefix is that of the first import, and stays.
CREATE TABLE csv_sources (
    name TEXT PRIMARY KEY REFERENCES tenants (name),
    prefix TEXT NOT NULL,
    created TEXT NOT NULL
) STRICT;
