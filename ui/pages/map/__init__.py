"""Map: the collection in the plane."""
