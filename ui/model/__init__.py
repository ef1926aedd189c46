"""State, caches and computations behind the pages: settings, answers, recall grids, times."""
