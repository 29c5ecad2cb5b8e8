"""One file a step, oldest first; the SQL stands beside it."""
