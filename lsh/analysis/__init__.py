"""Analysis of searches: predicted and measured quality, times, choice of settings, comparisons."""
