"""`demo`: the countertop story on real parts, from an accepted estimate to a tie-out of every cent.

The story acts on QuickBooks only as other people do: over its HTTP API, as bookkeeper and customer.
What the product does about it is then read back from QuickBooks, from the mail folder and from the
job's own timeline.

    run.py      start everything, tell the story, end everything
    story.py    the steps, in their order
    stage.py    waiting for what the product does about it
    people.py   what bookkeeper and customer do in QuickBooks
    shown.py    what is printed
    cast.py     what the steps share
"""

from sync.demo.run import run_demo

__all__ = ["run_demo"]
