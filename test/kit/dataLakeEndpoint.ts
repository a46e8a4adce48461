import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BlobServiceClient, type ContainerClient, RestError } from '@azure/storage-blob';
import { partOf } from '../../src/lib/connectionParts';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { closeServer } from './passOn';

/** The DFS endpoint of an account, as far as Hadoop's ABFS driver needs it. */
export interface DataLakeEndpoint {
  /** `127.0.0.1:port`, for the driver's setting `fs.azure.abfs.endpoint`. */
  readonly address: string;
  readonly accountName: string;
  readonly accountKey: string;
  close(): Promise<void>;
}

/** A request for a path of a file system. */
interface PathRequest {
  readonly incoming: IncomingMessage;
  readonly query: URLSearchParams;
  readonly container: ContainerClient;
  /** The path without slashes at its ends; empty for the root. */
  readonly path: string;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/**
 * Serves the part of the Data Lake Storage Gen2 API that Spark needs, in front of an Azurite, which only has the Blob API. A rename does
 * not replace a file, as in the real service: Delta's writers rely on that. Only directories with files exist. The caller's credentials are
 * not checked.
 */
export async function startDataLakeEndpoint(connectionString: string): Promise<DataLakeEndpoint> {
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const files = new Files();
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://localhost');
    // The account, the file system and the path.
    const [, , name = '', ...path] = url.pathname.split('/').map(decodeURIComponent);
    const container = service.getContainerClient(name);
    const asked = { incoming, query: url.searchParams, container, path: path.filter(Boolean).join('/') };
    void files
      .answer(asked)
      .catch(refusal)
      .then((answer) => send(outgoing, answer));
  });
  server.keepAliveTimeout = 600_000;
  const port = await listenOnLoopback(server);
  return {
    address: `127.0.0.1:${port}`,
    accountName: service.accountName,
    accountKey: partOf(connectionString, 'AccountKey') ?? '',
    close: () => closeServer(server),
  };
}

class Files {
  /** Bytes that were appended to a file and not flushed yet, by container and path. */
  readonly #appended = new Map<string, Uint8Array[]>();

  answer(request: PathRequest): Promise<Answer> {
    const { incoming, query } = request;
    // Java's client cannot send PATCH, so it names the method in a header.
    const method = incoming.headers['x-http-method-override'] ?? incoming.method;
    const action = query.get('action');
    if (method === 'GET') return query.get('resource') === 'filesystem' ? list(request) : read(request);
    if (method === 'HEAD') return status(request);
    if (method === 'DELETE') return remove(request);
    if (method === 'PATCH' && action === 'append') return this.#append(request);
    if (method === 'PATCH' && action === 'flush') return this.#flush(request);
    if (method === 'PUT' && incoming.headers['x-ms-rename-source']) return rename(request);
    if (method === 'PUT' && query.get('resource') === 'directory') return Promise.resolve({ status: 201 });
    if (method === 'PUT' && query.get('resource') === 'file') return create(request);
    return Promise.resolve({ status: 501, body: `${method} ${incoming.url} is not known here.` });
  }

  async #append(request: PathRequest): Promise<Answer> {
    const key = keyOf(request);
    const parts = this.#appended.get(key) ?? [];
    this.#appended.set(key, parts);
    parts.push(await bodyOf(request.incoming));
    return { status: 202 };
  }

  async #flush(request: PathRequest): Promise<Answer> {
    const key = keyOf(request);
    const bytes = Buffer.concat(this.#appended.get(key) ?? []);
    // A file that is flushed twice is written as a whole again.
    if (request.query.get('close') === 'true') this.#appended.delete(key);
    return { status: 200, headers: headersOf(await blobOf(request).uploadData(bytes)) };
  }
}

async function create(request: PathRequest): Promise<Answer> {
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.incoming.headers;
  const conditions = { ...(ifNoneMatch && { ifNoneMatch }), ...(ifMatch && { ifMatch }) };
  return {
    status: 201,
    headers: headersOf(await blobOf(request).upload(new Uint8Array(), 0, { conditions })),
  };
}

async function rename(request: PathRequest): Promise<Answer> {
  const source = decodeURIComponent(String(request.incoming.headers['x-ms-rename-source']));
  const from = blobOf({ ...request, path: source.split('/').slice(2).join('/') });
  const bytes = await from.downloadToBuffer();
  const conditions = request.incoming.headers['if-none-match'] ? { ifNoneMatch: '*' } : {};
  const made = await blobOf(request).upload(bytes, bytes.length, { conditions });
  await from.deleteIfExists();
  return { status: 201, headers: headersOf(made) };
}

async function read(request: PathRequest): Promise<Answer> {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.incoming.headers.range ?? '');
  const [first, last] = range ? [Number(range[1]), Number(range[2])] : [0, undefined];
  const { etag, lastModified, contentRange, readableStreamBody } = await blobOf(request).download(
    first,
    last === undefined ? undefined : last - first + 1,
  );
  const chunks: Buffer[] = [];
  for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
  const headers = headersOf({ etag, lastModified });
  return {
    status: range ? 206 : 200,
    headers: contentRange ? { ...headers, 'content-range': contentRange } : headers,
    body: Buffer.concat(chunks),
  };
}

async function status(request: PathRequest): Promise<Answer> {
  const { container, path } = request;
  if (path !== '') {
    const file = await blobOf(request).getProperties().catch(undefinedIfMissing);
    const length = String(file?.contentLength ?? 0);
    if (file)
      return {
        status: 200,
        headers: { ...headersOf(file), 'content-length': length, 'x-ms-resource-type': 'file' },
      };
    const within = await container.listBlobsFlat({ prefix: `${path}/` }).next();
    if (within.done) return notFound;
  }
  const headers = headersOf({ etag: '"directory"', lastModified: new Date(0) });
  return { status: 200, headers: { ...headers, 'content-length': '0', 'x-ms-resource-type': 'directory' } };
}

async function list({ container, query }: PathRequest): Promise<Answer> {
  const directory = (query.get('directory') ?? '').replaceAll(/^\/+|\/+$/g, '');
  const paths: Record<string, unknown>[] = [];
  for await (const item of container.listBlobsByHierarchy('/', { prefix: directory && `${directory}/` })) {
    if (item.kind === 'prefix') {
      paths.push({
        name: item.name.slice(0, -1),
        isDirectory: 'true',
        lastModified: new Date(0).toUTCString(),
      });
    } else {
      const { contentLength, lastModified, etag } = item.properties;
      paths.push({ name: item.name, contentLength, lastModified: lastModified.toUTCString(), etag });
    }
  }
  if (paths.length === 0) return notFound;
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ paths }),
  };
}

async function remove(request: PathRequest): Promise<Answer> {
  const { container, path } = request;
  let removed = (await blobOf(request).deleteIfExists()).succeeded;
  for await (const { name } of container.listBlobsFlat({ prefix: `${path}/` })) {
    await container.getBlobClient(name).deleteIfExists();
    removed = true;
  }
  return removed ? { status: 200 } : notFound;
}

const keyOf = ({ container, path }: PathRequest) => `${container.containerName}/${path}`;
const blobOf = ({ container, path }: PathRequest) => container.getBlockBlobClient(path);

const headersOf = ({
  etag,
  lastModified,
}: {
  etag?: string | undefined;
  lastModified?: Date | undefined;
}) => ({
  etag: etag ?? '',
  'last-modified': (lastModified ?? new Date()).toUTCString(),
});

const failure = (status: number, code: string, message = code): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'x-ms-error-code': code },
  body: JSON.stringify({ error: { code, message } }),
});

const notFound = failure(404, 'PathNotFound');

/** A refusal of the Blob API, with the name that the Data Lake API has for it. */
function refusal(error: unknown): Answer {
  const status = error instanceof RestError ? (error.statusCode ?? 500) : 500;
  if (status === 404) return notFound;
  if (status === 409) return failure(409, 'PathAlreadyExists');
  return failure(status, status === 416 ? 'InvalidRange' : 'InternalError', String(error));
}

function undefinedIfMissing(error: unknown): undefined {
  if (!(error instanceof RestError) || error.statusCode !== 404) throw error;
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(outgoing: ServerResponse, { status: code, headers, body }: Answer): void {
  outgoing.writeHead(code, { ...headers, 'x-ms-version': '2023-11-03', 'x-ms-request-id': 'local' });
  outgoing.end(body);
}
