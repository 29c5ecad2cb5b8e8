"""The whole system in one process under a seeded scheduler: the production code on real PostgreSQL,
with QuickBooks, mail, queue, people and time simulated, and with everything going wrong.

`python -m tests.simulation --seeds 300 --from 0`; a seed is a world that can be had again. The
judge is `tests/checker`, on the history of the sandbox and of the mail server, not on our tables.
"""
