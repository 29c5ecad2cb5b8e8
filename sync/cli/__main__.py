"""`python -m sync.cli` is `milestone-sync`."""

from sync.cli.main import main

main()
