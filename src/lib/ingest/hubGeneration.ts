import type { EventHubsNamespace } from '../settings';
import { openHubClient } from '../sources/hubClient';
import type { HubGeneration } from './rowAddress';

/** Asks the service when a hub was made: one management call, whose answer is kept. */
export class HubDirectory {
  readonly #namespace: EventHubsNamespace;
  readonly #generations = new Map<string, Promise<HubGeneration>>();

  constructor(namespace: EventHubsNamespace) {
    this.#namespace = namespace;
  }

  /** The hub as it is now, as far as this process has seen. Rejects when the service does not answer. */
  generation(hub: string): Promise<HubGeneration> {
    let known = this.#generations.get(hub);
    if (!known) {
      known = askForGeneration(this.#namespace, hub);
      // A failed call must be made again.
      known.catch(() => this.#generations.delete(hub));
      this.#generations.set(hub, known);
    }
    return known;
  }

  /** The hub as the service says now: an event that looks like a duplicate may belong to a hub that was made again. */
  refresh(hub: string): Promise<HubGeneration> {
    this.#generations.delete(hub);
    return this.generation(hub);
  }
}

async function askForGeneration(namespace: EventHubsNamespace, hub: string): Promise<HubGeneration> {
  const client = await openHubClient(namespace, hub);
  try {
    const { createdOn } = await client.getEventHubProperties();
    return { namespace: client.fullyQualifiedNamespace, hub, createdOn };
  } finally {
    await client.close();
  }
}
