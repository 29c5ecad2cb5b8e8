"""The command line, `milestone-sync`.

main.py       the commands put together, and how errors are shown
attach.py     finds a running `up`, gives commands their App
processes.py  demo, up, sandbox, worker, dispatcher, web, migrate
loop.py       sync, plan, approve, report
jobs.py       jobs, job, event; show.py prints one
queue.py      queue: parked, retry, drop
schedule.py   schedule: the engine alone, JSON in and out
"""
