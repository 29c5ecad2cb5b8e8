"""The shell: network, database, queue, mail, time.

pull.py -> decide.py -> push.py, notify.py   the loop, one use case a file
feed.py native_orders.py                     what a pull asks QuickBooks for
gather.py families.py effects.py             a job's facts read, a Plan's effects written
connect.py inbox.py calendar.py              what QuickBooks and people tell us
planning.py ops.py given_up.py               what would change, and what to do with parked work
work.py dispatch.py actors.py runner.py      the ledger that carries the loop, who runs it
quickbooks/ mail/ store/ words/ reports/     what the loop stands on
web/ cli/                                    how people reach us
bootstrap.py ports.py keys.py                how it is put together
up.py supervisor.py embedded.py demo/        everything on one machine
"""
