"""Compiled inner loops: functions of arrays, without state, that allocate only their working memory.

Each kernel has a slow reference implementation of the same name in tests/reference.py. Kernels release the
interpreter's lock (`nogil`), so that threads may search one index at the same time. None uses `parallel=True`: two
threads inside one parallel kernel can abort the process on numba's fallback threading layer.

Kernels take positional arguments only. Arrays that belong together are the fields of one NamedTuple, and are passed as
a plain tuple of these: with a named tuple, numba takes several times longer to look up the compiled code, and a search
takes only microseconds.

Where the instructions of processors differ, the variant is chosen by the processor's features, and never by timing:
`lsh.kernels.fast_scan.VARIANT` names it. All variants give the same results, bit for bit.
"""
