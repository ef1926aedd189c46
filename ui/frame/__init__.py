"""Frame of every page: sidebar, controls, title and error pages."""
