"""Event Hubs through Python's azure-eventhub, which speaks AMQP by itself."""

import asyncio
import threading

from answers import serve
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage
from azure.eventhub.aio import EventHubConsumerClient as AsyncConsumer
from azure.eventhub.aio import EventHubProducerClient as AsyncProducer
from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore as AsyncCheckpoints

container = "python-checkpoints"
# All partitions at once: a reader that is alone need not share them.
reading = {
    "consumer_group": "$Default",
    "load_balancing_strategy": "greedy",
    "load_balancing_interval": 1,
}


def properties(connection, hub):
    with EventHubProducerClient.from_connection_string(connection, eventhub_name=hub) as client:
        found = client.get_eventhub_properties()
        return {"hub": found["eventhub_name"], "partitions": found["partition_ids"]}


def batch_of(batch, bodies):
    for body in bodies:
        batch.add(EventData(body))
    return batch


def send(connection, hub, bodies, key):
    with EventHubProducerClient.from_connection_string(connection, eventhub_name=hub) as client:
        client.send_batch(batch_of(client.create_batch(partition_key=key), bodies))


async def send_asynchronously(connection, hub, bodies, key):
    async with AsyncProducer.from_connection_string(connection, eventhub_name=hub) as client:
        await client.send_batch(batch_of(await client.create_batch(partition_key=key), bodies))


def send_kinds(connection, hub):
    """Sends a body of each kind that AMQP has, all to one partition."""
    kinds = [
        AmqpAnnotatedMessage(data_body=[b"one", b"two"]),
        AmqpAnnotatedMessage(value_body={"n": 7, "nested": ["\u00e9", None]}),
        AmqpAnnotatedMessage(sequence_body=[[1, "two"], [3.5]]),
    ]
    with EventHubProducerClient.from_connection_string(connection, eventhub_name=hub) as client:
        batch = client.create_batch(partition_id="0")
        for kind in kinds:
            batch.add(kind)
        client.send_batch(batch)


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {plain(name): plain(member) for name, member in value.items()}
    if isinstance(value, (str, int, float)) or value is None:
        return value
    return [plain(member) for member in value]


def receive_kinds(connection, hub, count):
    """The bodies of a partition's first events, each with its kind."""
    client = EventHubConsumerClient.from_connection_string(connection, eventhub_name=hub, consumer_group="$Default")
    found = []
    done = threading.Event()

    def take(_, event):
        message = event.raw_amqp_message
        found.append([str(message.body_type).split(".")[-1].lower(), plain(message.body)])
        if len(found) >= count:
            done.set()

    reader = threading.Thread(
        target=lambda: client.receive(take, partition_id="0", starting_position="-1")
    )
    reader.start()
    done.wait(60)
    client.close()
    reader.join(30)
    return found


def described(partition, event):
    return [partition, event.sequence_number, event.body_as_str()]


def receive(connection, hub, storage, count):
    """Receives so many events behind the checkpoints, and moves the checkpoints behind them.

    An event counts once its checkpoint is written: the end of the reading, which comes with the
    last event, would otherwise break off the checkpoint of another partition.
    """
    store = BlobCheckpointStore.from_connection_string(storage, container)
    client = EventHubConsumerClient.from_connection_string(
        connection, eventhub_name=hub, checkpoint_store=store, **reading
    )
    events = []
    done = threading.Event()

    def take(context, batch):
        if batch:
            context.update_checkpoint(batch[-1])
        events.extend(described(context.partition_id, event) for event in batch)
        if len(events) >= count:
            done.set()

    reader = threading.Thread(
        target=lambda: client.receive_batch(take, starting_position="-1", max_wait_time=1)
    )
    reader.start()
    done.wait(60)
    client.close()
    reader.join(30)
    return events


async def receive_asynchronously(connection, hub, storage, count):
    store = AsyncCheckpoints.from_connection_string(storage, container)
    client = AsyncConsumer.from_connection_string(
        connection, eventhub_name=hub, checkpoint_store=store, **reading
    )
    events = []
    done = asyncio.Event()

    async def take(context, batch):
        if batch:
            await context.update_checkpoint(batch[-1])
        events.extend(described(context.partition_id, event) for event in batch)
        if len(events) >= count:
            done.set()

    async with client:
        reader = asyncio.ensure_future(client.receive_batch(take, starting_position="-1", max_wait_time=1))
        await asyncio.wait_for(done.wait(), 60)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    return events


serve(
    {
        "properties": properties,
        "send_kinds": send_kinds,
        "receive_kinds": receive_kinds,
        "send": send,
        "receive": receive,
        "send_asynchronously": lambda **given: asyncio.run(send_asynchronously(**given)),
        "receive_asynchronously": lambda **given: asyncio.run(receive_asynchronously(**given)),
    }
)
