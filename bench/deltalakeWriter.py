"""Appends to Delta tables through Python's deltalake, timed where it happens. Requests and answers as in test/kit/peer.py."""

import json
import sys
import time

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

ARROW = {"integer": pa.int32(), "long": pa.int64(), "timestamp": pa.timestamp("us", tz="UTC")}


class Writer:
    def connect(self, storage_options):
        self.options = storage_options

    def load(self, schema, columns):
        """The rows of every append, by column; timestamps in microseconds since 1970."""
        arrays = [pa.array(values, pa.int64()).cast(ARROW[kind]) for values, (_, kind, _) in zip(columns, schema)]
        fields = [pa.field(name, ARROW[kind], nullable) for name, kind, nullable in schema]
        self.data = pa.table(arrays, schema=pa.schema(fields))

    def open(self, uri):
        self.table = DeltaTable(uri, storage_options=self.options)

    def append(self, commits):
        """Milliseconds of each commit that succeeded, and what the others failed with."""
        times, errors = [], []
        for _ in range(commits):
            started = time.perf_counter()
            try:
                write_deltalake(self.table, self.data, mode="append")
                times.append((time.perf_counter() - started) * 1000)
            except Exception as error:
                errors.append(str(error).split("\n")[0])
        return {"times": times, "errors": errors}


writer = Writer()
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": getattr(writer, request["call"])(**request["arguments"])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
