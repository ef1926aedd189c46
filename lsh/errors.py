"""Exceptions of this package.

LSHError
├── ParameterError        a number or a name outside what is allowed
├── ShapeError            an array of the wrong rank, length or kind
├── NonFiniteError        NaN, infinity or a missing value in the data, with its row and column
├── ScaleError            values too large or too small for float32 arithmetic
├── ZeroVectorError       a cosine query with no direction
├── NotFittedError        a search before `fit`
├── IndexFileError        an index file that cannot be written or read, or is invalid
└── ClusterError          a Dask cluster that cannot be reached, or has lost what a search needs

`except LSHError` catches them all; each is also a ValueError, as NumPy's users expect.
"""


class LSHError(ValueError):
    """Base of all errors raised by `lsh`."""


class ParameterError(LSHError):
    """A parameter is outside its range; the message names it, the value given and the range."""


class ShapeError(LSHError):
    """An array has the wrong number of dimensions, the wrong length or a dtype that is not numeric."""


class NonFiniteError(LSHError):
    """An array holds NaN, infinity or a missing value; the message gives the first row and column."""


class ScaleError(LSHError):
    """Values are too large or too small for exact float32 distances, or a bucket is too narrow for them."""


class ZeroVectorError(LSHError):
    """A query of length zero has no angle to anything, so cosine distance cannot rank its neighbours."""


class NotFittedError(LSHError):
    """The index holds no data yet: call `fit` first."""


class IndexFileError(LSHError):
    """An index file cannot be written or read, or is damaged; the message names the file."""


class ClusterError(LSHError):
    """A Dask cluster cannot be reached, or lost its scheduler, its workers or their memory; the message says which."""
