-- What a decision is about that is about no run: a class, by its sourcedId, or a platform, by its tenant and client id.
ALTER TABLE decisions ADD COLUMN about TEXT NOT NULL DEFAULT '';
