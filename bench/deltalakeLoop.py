"""
What a user would write instead: a consumer of the hub, and once a second an append through Python's deltalake. At least once only:
positions are not kept, nothing is counted, and an event that does not fit ends it. Requests and answers as in test/kit/peer.py.
"""

import json
import os
import sys
import threading
import time

import pyarrow as pa
from azure.eventhub import EventHubConsumerClient
from deltalake import DeltaTable, write_deltalake

SCHEMA = pa.schema(
    [
        pa.field("productid", pa.int32()),
        pa.field("timestamp", pa.string()),
        pa.field("sessionid", pa.int64()),
        pa.field("category", pa.int32()),
        pa.field("enqueued_at", pa.timestamp("us", tz="UTC")),
        pa.field("hub_partition", pa.int32()),
        pa.field("sequence_number", pa.int64()),
    ]
)


class Loop:
    def start(self, connection, hub, uri, storage_options):
        self.table = DeltaTable.create(uri, SCHEMA, storage_options=storage_options)
        self.waiting, self.lock = [], threading.Lock()
        self.problem, self.ending = None, threading.Event()
        self.forget()
        self.client = EventHubConsumerClient.from_connection_string(connection, "$Default", eventhub_name=hub)
        receive = lambda: self.client.receive_batch(self.take, starting_position="@latest", max_batch_size=1000)
        for run in (receive, self.append_each_second):
            threading.Thread(target=self.noting, args=(run,), daemon=True).start()

    def noting(self, run):
        try:
            run()
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"

    def take(self, context, events):
        partition = int(context.partition_id)
        with self.lock:
            self.waiting.extend((event, partition) for event in events)

    def append_each_second(self):
        while not self.ending.wait(1):
            with self.lock:
                batch, self.waiting = self.waiting, []
            if batch:
                rows = [self.row(event, partition) for event, partition in batch]
                write_deltalake(self.table, pa.Table.from_pylist(rows, SCHEMA), mode="append")
                now = time.time() * 1000
                self.arrived += len(rows)
                self.commits += 1
                self.delays.extend(now - row["enqueued_at"].timestamp() * 1000 for row in rows)

    def row(self, event, partition):
        body = json.loads(event.body_as_str())
        meta = {"enqueued_at": event.enqueued_time, "hub_partition": partition, "sequence_number": event.sequence_number}
        return {name: body.get(name) for name in SCHEMA.names[:4]} | meta

    def forget(self):
        self.arrived, self.commits, self.delays = 0, 0, []

    def count(self):
        if self.problem:
            raise RuntimeError(self.problem)
        return self.arrived

    def found(self):
        """Milliseconds from enqueued to committed, and the number of commits."""
        return {"delays": self.delays, "commits": self.commits}

    def pid(self):
        return os.getpid()


loop = Loop()
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": getattr(loop, request["call"])(**request["arguments"])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
