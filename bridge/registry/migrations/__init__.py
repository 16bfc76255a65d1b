"""The registry's schema, as numbered SQL files: see :func:`bridge.storage.migrate`."""
