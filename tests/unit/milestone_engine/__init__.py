"""The engine, file for file. Examples carry their number in docs/money-rules.md."""
