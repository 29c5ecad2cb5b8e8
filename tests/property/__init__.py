"""Laws of money, schedules and lines."""
