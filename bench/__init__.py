"""Measurements of the bridge, runnable by anyone: ``python -m bench``.

Figures are ratios taken in one run on one machine, because machines differ and drift.
"""
