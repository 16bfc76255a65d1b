"""The other side, for ``bridge demo`` and the tests: an LMS (and a SIS) over real HTTP on loopback.

It is written as another vendor would write it, against the standards and not against the bridge: of the bridge it
imports the clock and the errors only, because code that both sides share would hide its own faults.
"""
