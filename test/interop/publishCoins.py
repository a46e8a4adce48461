"""
Does what the script of the published article does: reads the assets from version 2 of the CoinCap API, and sends each to an event hub as
an event of one batch, with the time of the answer. Its users change the three values below.
"""

import asyncio
import json
from datetime import datetime, timezone
from urllib.request import urlopen

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

CONNECTION_STRING = "Endpoint=sb://NAMESPACE.servicebus.windows.net/;SharedAccessKeyName=POLICY;SharedAccessKey=KEY"
EVENT_HUB = "coincaphub"
URL = "https://api.coincap.io/v2/assets"


async def publish():
    with urlopen(URL) as response:
        answer = json.load(response)
    producer = EventHubProducerClient.from_connection_string(CONNECTION_STRING, eventhub_name=EVENT_HUB)
    async with producer:
        batch = await producer.create_batch()
        for count, coin in enumerate(answer["data"], start=1):
            coin["timestamp"] = answer["timestamp"]
            batch.add(EventData(json.dumps(coin)))
            print(f"Coins sent to EventHub: {count}", end="\r")
        await producer.send_batch(batch)
    print(f"\nData Published at: {datetime.now(timezone.utc).replace(tzinfo=None)}")


asyncio.run(publish())
