-- Lost: what is paused, which is read again; and freshness targets of single contexts.

DROP TABLE circuits;
DROP TABLE context_targets;
DROP TABLE context_pauses;
DROP TABLE platform_pauses;
