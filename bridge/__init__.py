"""The bridge: OneRoster 1.2 on one side, LTI Names and Role Provisioning Services on the other.

Rooms and the direction in which they may import each other are described in ``docs/architecture.md`` and
held by ``tests/test_layers.py``.
"""

__version__ = "0.1.0"
