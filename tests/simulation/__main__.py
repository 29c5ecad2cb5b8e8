"""`python -m tests.simulation --seeds 300 --from 0`."""

from tests.simulation.command import main

raise SystemExit(main())
