"""Indexes spread over the workers of a Dask cluster, which give the same answers as one machine.

The only modules of `lsh` that import Dask, which the extra `dask` installs.
"""

from lsh.distributed.cluster import connect
from lsh.distributed.index import DistributedIndex

__all__ = ["DistributedIndex", "connect"]
