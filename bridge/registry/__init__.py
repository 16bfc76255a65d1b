"""The second SQLite file: who may talk to the bridge, whom it talks to, and what waits to be done.

Platforms and their contexts, OneRoster clients, our keys, tokens and unfinished logins, the inbox through which
the web asks the reconciler for something, and leases. It holds no roster data; the mirror does.

One module per thing, each a small class over the database; :class:`~bridge.registry.registry.Registry` opens
the file and holds them together.
"""
