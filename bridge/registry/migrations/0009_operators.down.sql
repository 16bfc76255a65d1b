-- Lost: the accounts for the pages at /admin/, and the record of what was done there.
-- Lost: when consumers and tools were last given a token.

ALTER TABLE leases DROP COLUMN progress;
ALTER TABLE tools DROP COLUMN last_token;
ALTER TABLE clients DROP COLUMN last_token;
DROP TABLE activity;
DROP TABLE sign_in_failures;
DROP TABLE operators;
