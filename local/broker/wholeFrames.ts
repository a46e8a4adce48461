import type { Connection } from 'rhea';

/** The fields of a frame in their order. The value of each is what a missing field means (AMQP 1.0, part 2, section 2.7). */
type Fields = Readonly<Record<string, number | boolean | null>>;

/** The fields of each frame, by its code. */
const framesWithDefaults: Readonly<Record<number, Fields>> = {
  /** open */
  16: {
    container_id: null,
    hostname: null,
    max_frame_size: 4_294_967_295,
    channel_max: 65_535,
    idle_time_out: null,
    outgoing_locales: null,
    incoming_locales: null,
    offered_capabilities: null,
    desired_capabilities: null,
    properties: null,
  },
  /** begin */
  17: {
    remote_channel: null,
    next_outgoing_id: null,
    incoming_window: null,
    outgoing_window: null,
    handle_max: 4_294_967_295,
    offered_capabilities: null,
    desired_capabilities: null,
    properties: null,
  },
  /** attach */
  18: {
    name: null,
    handle: null,
    role: null,
    snd_settle_mode: 2,
    rcv_settle_mode: 0,
    source: null,
    target: null,
    unsettled: null,
    incomplete_unsettled: false,
    initial_delivery_count: null,
    max_message_size: null,
    offered_capabilities: null,
    desired_capabilities: null,
    properties: null,
  },
  /** flow */
  19: {
    next_incoming_id: null,
    incoming_window: null,
    next_outgoing_id: null,
    outgoing_window: null,
    handle: null,
    delivery_count: null,
    link_credit: null,
    available: null,
    drain: false,
    echo: false,
    properties: null,
  },
  /** transfer */
  20: {
    handle: null,
    delivery_id: null,
    delivery_tag: null,
    message_format: null,
    settled: null,
    more: false,
    rcv_settle_mode: null,
    state: null,
    resume: false,
    aborted: false,
    batchable: false,
  },
  /** disposition */
  21: { role: null, first: null, last: null, settled: false, state: null, batchable: false },
  /** detach */
  22: { handle: null, closed: false, error: null },
  /** end, close */
  23: { error: null },
  24: { error: null },
};

interface Performative {
  /** The values of the fields, in the order in which they are written. */
  readonly value: unknown[];
  /** Sets a field. */
  [field: string]: unknown;
}

/** The members of rhea's connections that its typings do not have. */
interface ConnectionInternals {
  readonly amqp_transport: { encode(frame: { performative?: Performative }): void };
}

/**
 * Makes a connection write every field of its frames. rhea leaves out trailing fields without a value, which AMQP allows. But Python's SDK
 * reads fields by their place, and fails if one is missing.
 */
export function writeWholeFrames(connection: Connection): void {
  const { amqp_transport: transport } = connection as unknown as ConnectionInternals;
  const encode = transport.encode.bind(transport);
  transport.encode = (frame) => {
    if (frame.performative) complete(frame.performative);
    encode(frame);
  };
}

function complete(performative: Performative): void {
  const { descriptor } = performative.constructor as unknown as { descriptor: { numeric: number } };
  const fields = Object.entries(framesWithDefaults[descriptor.numeric] ?? {});
  for (const [index, [name, value]] of fields.entries())
    if (performative.value[index] === undefined) performative[name] = value;
}
