-- Lost: who was erased: whoever of them is still in a roster comes back when it is read.
-- Lost: limits of consumers and webhooks to orgs, classes or a privacy level. An older version would tell them
-- everything, so consumers that have such limits are revoked, and webhooks stopped.
-- Lost: the former secrets of consumers that are changing over.

DROP TABLE tries;
DROP TABLE erased;

UPDATE clients SET revoked = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE revoked IS NULL AND (coalesce(orgs, '[]') <> '[]' OR coalesce(classes, '[]') <> '[]' OR privacy <> 'public');
DELETE FROM tokens WHERE client_id IN (SELECT client_id FROM clients WHERE revoked IS NOT NULL);
UPDATE webhooks SET stopped = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE stopped IS NULL AND (coalesce(orgs, '[]') <> '[]' OR coalesce(classes, '[]') <> '[]');

ALTER TABLE webhooks DROP COLUMN classes;
ALTER TABLE webhooks DROP COLUMN orgs;
ALTER TABLE clients DROP COLUMN former_until;
ALTER TABLE clients DROP COLUMN former_hash;
ALTER TABLE clients DROP COLUMN privacy;
ALTER TABLE clients DROP COLUMN classes;
ALTER TABLE clients DROP COLUMN orgs;
