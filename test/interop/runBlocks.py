"""
Runs the Python blocks of a document, each by itself behind the first, whose variables are replaced: runBlocks.py VARIABLES BLOCKS, both as
JSON. Prints for each block what its `per_product` says, as pairs of product and clicks.
"""

import json
import sys

import pyarrow as pa


def pairs(found):
    """The rows of a result of deltalake, pandas, Polars or DuckDB."""
    if hasattr(found, "itertuples"):
        rows = found.itertuples(index=False, name=None)
    elif hasattr(found, "fetchall"):
        rows = found.fetchall()
    elif hasattr(found, "rows"):
        rows = found.rows()
    else:
        rows = zip(*(column.to_pylist() for column in pa.table(found).columns))
    return [[int(product), int(clicks)] for product, clicks in rows]


variables, blocks = (json.loads(text) for text in sys.argv[1:])
for block in blocks:
    names = dict(variables)
    exec(block, names)
    print(json.dumps(pairs(names["per_product"])), flush=True)
