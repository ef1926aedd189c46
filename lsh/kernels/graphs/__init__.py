"""Kernels of `GraphIndex`: search in a graph whose nodes hold the sketches of their neighbours, and its links."""
