"""The OAuth 2 scopes of the bridge's own interface. A client has none of them unless it is registered with it."""

RUNS_READ = "bridge:runs.readonly"
"""What reconciliations have done, and with a scope of the records, what they have changed."""

SYNC = "bridge:sync"
"""Asking for a roster to be read now."""
