-- Lost: what is sealed by the passphrase of storage.key_file, which an older version cannot open: the secrets of sources,
-- which are paused, and of webhooks, which are stopped, until they are given again; and the bridge's own: cursors and
-- sessions end, and who was erased is not known any more.

DELETE FROM secrets WHERE substr(value, 1, 9) = CAST('sealed:1:' AS BLOB);
UPDATE webhooks SET stopped = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE stopped IS NULL AND substr(secret, 1, 9) = CAST('sealed:1:' AS BLOB);
INSERT OR IGNORE INTO source_pauses (source, since, paused_by, reason)
SELECT name, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'bridge downgrade', 'its secret was sealed: give it again'
FROM sources WHERE substr(secret, 1, 9) = 'sealed:1:';

DROP TABLE sealing_keys;
