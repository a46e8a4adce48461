import rhea, { type Message, type Receiver, type Sender } from 'rhea';

/** A request to `$cbs` or `$management`: its properties, and its body if that is text. */
export interface Request {
  operation: string;
  /** The application properties that are text. */
  properties: ReadonlyMap<string, string>;
  body: string | undefined;
}

/** A reply with a status as in HTTP. An error also has its AMQP condition. */
export interface Reply {
  status: number;
  description: string;
  condition?: string;
  body?: Record<string, unknown>;
}

/** Decodes a request that arrived on `receiver`, and sends the answer on the link on which the client listens for it. */
export function answerRequest(receiver: Receiver, bytes: Buffer, answer: (request: Request) => Reply): void {
  const message = rhea.message.decode(bytes) as Partial<Message>;
  const properties = new Map<string, string>();
  for (const [name, value] of Object.entries(message.application_properties ?? {})) {
    if (typeof value === 'string' || typeof value === 'number') properties.set(name, String(value));
  }
  const body: unknown = message.body;
  const reply = answer({
    operation: properties.get('operation') ?? '',
    properties,
    body: typeof body === 'string' ? body : undefined,
  });
  const sender = findReplyLink(receiver, message.reply_to);
  if (!sender || message.message_id === undefined) return;
  sender.send({
    correlation_id: message.message_id,
    application_properties: {
      'status-code': rhea.types.wrap_int(reply.status),
      'status-description': reply.description,
      ...(reply.condition && {
        'error-condition': rhea.types.wrap_symbol(reply.condition),
      }),
    },
    body: reply.body,
  } as unknown as Message);
}

/** The client's link on the same node and session, or else the link that the request's reply-to names. */
function findReplyLink(receiver: Receiver, replyTo: string | undefined): Sender | undefined {
  const node = receiver.target.address?.toLowerCase();
  return (
    receiver.session.find_sender((link: Sender) => link.source?.address?.toLowerCase() === node) ??
    receiver.connection.find_sender(
      (link: Sender) => replyTo !== undefined && link.target?.address === replyTo,
    )
  );
}
