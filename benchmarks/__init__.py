"""What things cost, each figure beside its peer in one run: `python -m benchmarks.engine`."""
