-- Lost: webhooks, with their secrets.

DROP TABLE webhooks;
