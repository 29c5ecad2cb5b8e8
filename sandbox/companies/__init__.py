"""Company files that come with the sandbox; README.md describes the format."""
