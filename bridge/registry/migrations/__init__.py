"""The registry's schema, as numbered SQL files: see :func:`bridge.migrations.migrate`."""
