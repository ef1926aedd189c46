"""Learn: LSH explained in chapters, and four questions answered by measurement."""
