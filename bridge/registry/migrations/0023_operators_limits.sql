-- Which sources an operator sees on the pages, as JSON list of names; NULL is all. And whether she may unmask people.
ALTER TABLE operators ADD COLUMN sources TEXT CHECK (sources IS NULL OR json_type(sources) = 'array');
ALTER TABLE operators ADD COLUMN unmasks INTEGER NOT NULL DEFAULT 1 CHECK (unmasks IN (0, 1));
