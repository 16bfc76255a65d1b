-- Lost: LTI tools that read memberships here.

DROP TABLE assertions;
DROP TABLE tool_tokens;
DROP TABLE tools;
