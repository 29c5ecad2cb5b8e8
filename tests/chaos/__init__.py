"""Chaos: real processes, killed, paused and cut off, and judged from outside.

`python -m tests.chaos --kills 20 --seed 1` runs it; `--json` prints the report as JSON.

parts.py         every process of an installation, with a fault proxy before each service
proxy.py         TCP that misbehaves: slow, cut, reset, gone, cut at COMMIT
mail_server.py   SMTP that keeps what it accepted, and can refuse, drop and stall
people.py        who works in the books meanwhile: estimates, payments, edits, reported events
nemesis.py       what is done to the processes, by a seed
calm.py          the end of all trouble, and waiting until nothing is left to do
recovery.py      how long work stood still after its worker was killed
judge.py         what must be true at the end
run.py           all of it, in order

Three further questions, each asked of real processes by a module of its own, with figures:

dropped.py       `--webhooks-dropped`: no webhook ever comes; one sweep later all is in sync
burst.py         `--burst 10000`: webhooks in a minute; every answer in time, few calls for changes
noisy.py         `--noisy`: one company at which everything fails; the others do not notice
"""
