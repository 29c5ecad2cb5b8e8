"""Pages of the sandbox, as Jinja2 templates."""
