"""Compiled inner loops: arrays in, arrays out, nothing allocated that the caller could, no state.

Each kernel has a slow, obvious twin of the same name in tests/reference.py. They hold no lock (`nogil`), so threads may
search one index side by side, and none uses `parallel=True`: two threads inside one parallel kernel can abort the
process on numba's fallback threading layer.
"""
