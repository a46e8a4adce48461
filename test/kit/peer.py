"""Delta tables through Python's deltalake (delta-rs): one JSON request a line on stdin, one JSON answer a line on stdout.

Values travel as text, so that nothing is lost on the way: whole numbers and decimals in digits, floats as Python writes them,
timestamps in microseconds and dates in days since 1970, binary in hex.
"""

import base64
import io
import json
import sys

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, WriterProperties, write_deltalake

ARROW = {
    "string": pa.string(),
    "long": pa.int64(),
    "integer": pa.int32(),
    "short": pa.int16(),
    "byte": pa.int8(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}


def arrow_type(name):
    if name.startswith("decimal("):
        precision, scale = name[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return ARROW[name]


def parse(text, kind):
    """The value of a column of arrow type `kind` that `text` stands for."""
    if text is None:
        return None
    if pa.types.is_boolean(kind):
        return text == "true"
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_binary(kind):
        return bytes.fromhex(text)
    if pa.types.is_date(kind):
        return pa.scalar(int(text), pa.int32()).cast(kind).as_py()
    if pa.types.is_timestamp(kind):
        return pa.scalar(int(text), pa.int64()).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.scalar(text).cast(kind).as_py()
    return text


def parse_column(texts, kind):
    if pa.types.is_timestamp(kind):
        return pa.array([None if t is None else int(t) for t in texts], pa.int64()).cast(kind)
    return pa.array([parse(t, kind) for t in texts], kind)


def to_texts(column):
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
    elif pa.types.is_date(kind):
        column = column.cast(pa.int32())
    values = column.to_pylist()
    if pa.types.is_boolean(kind):
        return [None if v is None else str(v).lower() for v in values]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return [None if v is None else v.hex() for v in values]
    return [None if v is None else str(v) for v in values]


class Peer:
    def __init__(self, storage_options):
        self.options = storage_options

    def open(self, uri, version=None):
        return DeltaTable(uri, version=version, storage_options=self.options)

    def arrow_table(self, schema, columns):
        kinds = [arrow_type(kind) for _, kind in schema]
        arrays = [parse_column(texts, kind) for texts, kind in zip(columns, kinds)]
        fields = [pa.field(name, kind) for (name, _), kind in zip(schema, kinds)]
        return pa.table(arrays, schema=pa.schema(fields))

    def read(self, uri, version=None):
        table = self.open(uri, version)
        data = table.to_pyarrow_table()
        return {
            "version": table.version(),
            "schema": json.loads(table.schema().to_json())["fields"],
            "columns": {name: to_texts(data.column(name)) for name in data.column_names},
        }

    def filter(self, uri, queries, key):
        """The keys of the rows that pyarrow's dataset finds for each [column, operator, text]."""
        table = self.open(uri)
        dataset = table.to_pyarrow_dataset()
        compare = {"=": pc.equal, "<": pc.less, ">=": pc.greater_equal}
        found = []
        for column, operator, text in queries:
            if operator == "null":
                condition = pc.field(column).is_null()
            else:
                kind = dataset.schema.field(column).type
                value = parse(text, kind)
                scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value, kind)
                condition = compare[operator](pc.field(column), scalar)
            found.append(to_texts(dataset.to_table(columns=[key], filter=condition).column(key)))
        return found

    def query(self, uri, statements):
        """The first column of what each SQL statement finds in the table `t`."""
        builder = QueryBuilder().register("t", self.open(uri))
        found = []
        for statement in statements:
            data = pa.table(builder.execute(statement).read_all())
            found.append(to_texts(data.column(0)))
        return found

    def write(self, uri, schema, columns, compression=None, txn=None, **kwargs):
        properties = WriterProperties(compression=compression) if compression else None
        commit = None
        if txn:
            commit = CommitProperties(app_transactions=[Transaction(app_id=txn[0], version=txn[1])])
        write_deltalake(
            uri,
            self.arrow_table(schema, columns),
            storage_options=self.options,
            writer_properties=properties,
            commit_properties=commit,
            **{"mode": "append", **kwargs},
        )
        return self.open(uri).version()

    def write_nested(self, uri, **kwargs):
        """Rows with structs, lists and maps."""
        data = pa.table(
            {
                "id": pa.array([1, 2, 3], pa.int64()),
                "point": pa.array([{"x": 1, "label": "é"}, None, {"x": None, "label": "😀"}],
                                  pa.struct([("x", pa.int32()), ("label", pa.string())])),
                "tags": pa.array([["a", None], [], None], pa.list_(pa.string())),
                "counts": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
            }
        )
        write_deltalake(uri, data, storage_options=self.options, mode="append", **kwargs)

    def append_many(self, uri, schema, batches):
        """One commit a batch. The table is opened once, as a Python writer would."""
        for columns in batches:
            write_deltalake(uri, self.arrow_table(schema, columns), storage_options=self.options, mode="append")

    def polars_read(self, uri):
        data = pl.read_delta(uri, storage_options=self.options).to_arrow()
        return {name: to_texts(data.column(name)) for name in data.column_names}

    def polars_filter(self, uri, column, least, key):
        """The keys of the rows of a long column from `least` on, where Polars may skip files by their statistics."""
        lazy = pl.scan_delta(uri, storage_options=self.options).filter(pl.col(column) >= int(least))
        return to_texts(lazy.select(key).collect().to_arrow().column(key))

    def polars_write(self, uri, schema, columns, **kwargs):
        frame = pl.from_arrow(self.arrow_table(schema, columns))
        frame.write_delta(uri, mode="append", storage_options=self.options, delta_write_options=kwargs)

    def polars_write_nested(self, uri, **kwargs):
        frame = pl.DataFrame(
            {"id": [1, 2], "tags": [["a", None], None], "point": [{"x": 1, "label": "é"}, {"x": None, "label": None}]},
            schema_overrides={"id": pl.Int64},
        )
        frame.write_delta(uri, mode="append", storage_options=self.options, delta_write_options=kwargs)

    def add_constraint(self, uri, name, expression):
        self.open(uri).alter.add_constraint({name: expression})

    def drop_constraint(self, uri, name):
        self.open(uri).alter.drop_constraint(name)

    def set_property(self, uri, name, value):
        self.open(uri).alter.set_table_properties({name: value})

    def delete(self, uri, predicate):
        self.open(uri).delete(predicate)

    def set_properties(self, uri, properties):
        self.open(uri).alter.set_table_properties(properties)

    def merge(self, uri, schema, columns, predicate):
        merger = self.open(uri).merge(
            self.arrow_table(schema, columns), predicate=predicate, source_alias="s", target_alias="t"
        )
        return merger.when_matched_update_all().when_not_matched_insert_all().execute()

    def compact(self, uri):
        return self.open(uri).optimize.compact()

    def checkpoint(self, uri, cleanup=False):
        table = self.open(uri)
        table.create_checkpoint()
        if cleanup:
            table.cleanup_metadata()

    def vacuum(self, uri):
        return self.open(uri).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)

    def txns(self, uri, app_ids):
        table = self.open(uri)
        return [table.transaction_version(app_id) for app_id in app_ids]

    def history(self, uri):
        return self.open(uri).history()

    def checksummed_file(self):
        """A Parquet file of pyarrow whose pages have checksums, in base64."""
        sink = io.BytesIO()
        data = pa.table({"few": pa.array([n % 7 for n in range(1000)], pa.int32()), "texts": [str(n) for n in range(1000)]})
        pq.write_table(data, sink, write_page_checksum=True)
        return base64.b64encode(sink.getvalue()).decode()

    def read_file(self, file):
        """The rows of a Parquet file, in base64, whose pages must have their checksums."""
        source = io.BytesIO(base64.b64decode(file))
        return pq.ParquetFile(source, page_checksum_verification=True).read().num_rows


def main():
    peer = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["call"] == "connect":
                peer = Peer(request["arguments"]["storage_options"])
                answer = {"result": None}
            else:
                answer = {"result": getattr(peer, request["call"])(**request["arguments"])}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), flush=True)


main()
