-- Lost: links by which LMSs may register themselves, and LMSs that have done so and wait for the operator.
-- Lost: signing keys that were withdrawn. An older version would publish them again.

DROP TABLE registrations;
DROP TABLE invitations;
DELETE FROM keys WHERE withdrawn IS NOT NULL;
ALTER TABLE keys DROP COLUMN withdrawn;
ALTER TABLE logins DROP COLUMN storage_target;
