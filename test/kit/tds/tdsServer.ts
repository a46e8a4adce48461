import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { bytesOfCollation } from './codePages';
import { type Answer, Engine, type EngineOptions } from './engine';
import { Session } from './session';
import { SqlError } from './syntax';
import * as wire from './wire';

/*
 * A SQL server for tests with the real protocol: the unmodified client logs in, sends batches and manages transactions. Its tables
 * are in memory, where the test can see them, and it fails on demand.
 */

/** A fault that happens once. */
export type Trouble =
  /** The connection breaks at the next commit of a load, without an answer. */
  | { readonly drop: 'before-commit' | 'after-commit' }
  /** The next batch fails with this error. */
  | { readonly fail: number; readonly message: string };

export class TdsServer {
  readonly engine: Engine;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #troubles: Trouble[] = [];
  /** While this is set, every login is refused with this error. */
  refuseLogins: { readonly number: number; readonly message: string } | undefined;
  /** The number of logins. The next member has the texts of all batches. */
  logins = 0;
  readonly batches: string[] = [];
  bulkLoads = 0;
  /** The numbers of the errors that were sent. */
  readonly errors: number[] = [];
  /** When a batch that matches comes, the connection breaks once, before the batch runs. */
  cutAt: RegExp | undefined;
  /** For a batch that matches: how many milliseconds it waits before it runs, as in the queue of a busy pool. */
  hold: { readonly batch: RegExp; readonly ms: (batch: string) => number } | undefined;
  /** Called before each batch. */
  onBatch: ((text: string) => void) | undefined;
  /** True to keep the texts of batches. Turn it off for large loads, which would fill the memory. */
  keepBatches = true;

  private constructor(options: EngineOptions) {
    this.engine = new Engine(options);
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(options: EngineOptions = { dialect: 'pool' }): Promise<TdsServer> {
    const server = new TdsServer(options);
    await listenOnLoopback(server.#server);
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  get connectionString(): string {
    return `Server=tcp:127.0.0.1,${this.port};Database=pool;User ID=loader;Password=secret;Encrypt=False`;
  }

  get address() {
    return {
      server: '127.0.0.1',
      port: this.port,
      database: 'pool',
      login: { kind: 'password', user: 'loader', password: 'secret' },
      encrypt: false,
      trustServerCertificate: false,
      connectTimeoutMs: 10_000,
    } as const;
  }

  plan(trouble: Trouble): void {
    this.#troubles.push(trouble);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How many planned faults are still to come. */
  get planned(): number {
    return this.#troubles.length;
  }

  /** Breaks every connection. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  rows(table: string) {
    return this.engine.tables.get(table)?.rows ?? [];
  }

  async close(): Promise<void> {
    this.dropAll();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const session = new Session(this.engine);
    session.onCommit = (phase) => {
      const [trouble] = this.#troubles;
      if (trouble && 'drop' in trouble && trouble.drop === `${phase}-commit`) {
        this.#troubles.shift();
        session.ended = true;
        socket.destroy();
      }
    };
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      session.end();
    });
    // Batches of one connection run one after the other.
    let last: Promise<void> = Promise.resolve();
    wire.readMessages(socket, (type, body, resets) => {
      if (resets) last = last.then(() => session.reset());
      if (type === wire.messageTypes.prelogin) wire.sendMessage(socket, wire.preloginAnswer());
      else if (type === wire.messageTypes.login) this.#login(socket);
      else if (type === wire.messageTypes.attention) wire.sendMessage(socket, wire.attentionAnswer());
      else last = last.then(() => this.#answer(socket, session, type, body));
    });
  }

  #login(socket: Socket): void {
    this.logins++;
    const refusal = this.refuseLogins;
    if (!refusal) {
      wire.sendMessage(socket, wire.loginAnswer('pool', bytesOfCollation(this.engine.collation)));
      return;
    }
    this.errors.push(refusal.number);
    wire.sendMessage(
      socket,
      Buffer.concat([wire.errorToken(refusal.number, refusal.message), wire.done({ error: true })]),
    );
    socket.end();
  }

  async #answer(socket: Socket, session: Session, type: number, body: Buffer): Promise<void> {
    const tokens: Buffer[] = [];
    const take = (answer: Answer) => tokens.push(...toTokens(answer));
    try {
      if (type === wire.messageTypes.bulk) {
        this.bulkLoads++;
        await session.bulkLoad(body, take);
      } else if (type === wire.messageTypes.transaction) manageTransaction(session, body, take);
      else if (type === wire.messageTypes.batch) {
        const text = wire.readBatch(body);
        if (this.keepBatches) this.batches.push(text);
        this.onBatch?.(text);
        if (this.cutAt?.test(text)) {
          this.cutAt = undefined;
          socket.destroy();
          return;
        }
        const [trouble] = this.#troubles;
        if (trouble && 'fail' in trouble) {
          this.#troubles.shift();
          throw new SqlError(trouble.fail, trouble.message);
        }
        if (this.hold?.batch.test(text)) await sleep(this.hold.ms(text));
        // If the client has gone meanwhile, the batch is not run.
        if (session.ended) return;
        await session.run(text, take);
      } else throw new SqlError(2812, 'Procedures are not to be called here: send a batch.');
      tokens.push(wire.done());
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.errors.push(error.number);
      tokens.push(wire.errorToken(error.number, error.message), wire.done({ error: true }));
    }
    wire.sendMessage(socket, Buffer.concat(tokens));
  }
}

function manageTransaction(session: Session, body: Buffer, take: (answer: Answer) => void): void {
  const request = wire.readTransactionRequest(body);
  if (request?.kind === 'begin') {
    session.options.beginAt(request.isolation);
    take(session.begin());
  } else if (request?.kind === 'commit') take(session.commit());
  else if (request?.kind === 'rollback') take(session.rollback());
  else throw new SqlError(103010, 'Savepoints and other requests are not supported.');
}

function toTokens(answer: Answer): Buffer[] {
  if (answer.kind === 'rows')
    return [
      wire.resultSet(answer.columns, answer.rows),
      wire.done({ more: true, ...(answer.counted && { count: answer.rows.length }) }),
    ];
  if (answer.kind === 'done')
    return [wire.done({ more: true, ...(answer.touched !== undefined && { count: answer.touched }) })];
  return [wire.transactionChange[answer.change](answer.id)];
}
