"""Measurements of the bridge, runnable by anyone: ``bench/run``, and ``python -m bench.NAME`` where one stands alone.

Figures are ratios taken in one run on one machine, because machines differ and drift.
"""
