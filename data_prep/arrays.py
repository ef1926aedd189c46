"""Array types by dtype, for annotations; shapes stand in docstrings."""

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from earshot_common.encoded_vectors import EncodedVectors

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
Int8Array = npt.NDArray[np.int8]
Int16Array = npt.NDArray[np.int16]
Int64Array = npt.NDArray[np.int64]
IntegerArray = npt.NDArray[np.integer[Any]]
UInt8Array = npt.NDArray[np.uint8]
UInt16Array = npt.NDArray[np.uint16]
UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]

FeatureDtype = Literal["float32", "float16", "uint8"]  # in which features are stored
FEATURE_DTYPES: tuple[FeatureDtype, ...] = get_args(FeatureDtype)
StoredVectors = Float32Array | EncodedVectors  # float32[n, d], or encoded; both give float32 rows when indexed
