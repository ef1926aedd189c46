"""Work outside a page: background jobs, hosting, memory limits."""
