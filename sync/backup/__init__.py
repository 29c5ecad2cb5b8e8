"""Backup, restore, and what has to be done after a restore.

    archive.py   the file: frames that are compressed, sealed with the installation's key, counted
    tables.py    all tables out of one snapshot, and back into an empty database
    recover.py   after a restore: what was done since the backup is read back from QuickBooks

It is read and written as the roles of every day, one company at a time: none of them may pass over
row-level security, so `pg_dump` is no way in (decision 0035).
"""
