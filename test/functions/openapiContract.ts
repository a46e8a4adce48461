import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

interface Header {
  readonly $ref?: string;
  readonly required?: boolean;
}

interface Documented {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

export type Method = 'get' | 'post';

/** A parameter of a path. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: {
    readonly type?: 'integer' | 'string';
    readonly pattern?: string;
    readonly format?: string;
    readonly enum?: readonly string[];
    readonly minimum?: number;
    readonly maximum?: number;
  };
}

interface Operation {
  readonly parameters?: readonly unknown[];
  readonly responses: Readonly<Record<string, Documented>>;
}

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Partial<Readonly<Record<Method, Operation>>> & { readonly parameters?: readonly unknown[] }
    >
  >;
}

const document: OpenApi = parse(readFileSync('docs/openapi.yaml', 'utf8'));
const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
addFormats.default(ajv);
ajv.addSchema(document, 'openapi');

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The paths that answer a method. */
export const documentedPaths = (method: Method = 'get') =>
  Object.keys(document.paths).filter((path) => document.paths[path]?.[method]);
export const documentedStatuses = (path: string, method: Method = 'get') =>
  Object.keys(document.paths[path]?.[method]?.responses ?? {});

/** The parameters of a path and of a method of it. */
export const documentedParameters = (path: string, method: Method = 'get'): Parameter[] => {
  const list = (of: readonly unknown[] | undefined, ...at: string[]) =>
    (of ?? []).map(
      (_, index) => follow<Parameter & { $ref?: string }>(`${pointer(...at, 'parameters')}/${index}`).value,
    );
  const { parameters, [method]: operation } = document.paths[path] ?? {};
  return [...list(parameters, 'paths', path), ...list(operation?.parameters, 'paths', path, method)];
};

const escapePart = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
const pointer = (...parts: string[]) => `#/${parts.map(escapePart).join('/')}`;

/** The target of a local reference, and its path. */
function follow<T extends { readonly $ref?: string }>(at: string): { value: T; at: string } {
  let value: unknown = document;
  for (const part of at.slice(2).split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    value = (value as Record<string, unknown>)[key];
  }
  const found = value as T;
  return found.$ref === undefined ? { value: found, at } : follow<T>(found.$ref);
}

function schemaProblems(at: string, value: unknown, what: string): string[] {
  const validate = ajv.getSchema(`openapi${at}`) ?? ajv.compile({ $ref: `openapi${at}` });
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${what}${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

/** Everything in which an answer differs from what docs/openapi.yaml says of the path. Empty when it keeps to it. */
export function deviations(
  path: string,
  { status, headers, body }: Answer,
  method: Method = 'get',
): string[] {
  if (!documentedStatuses(path, method).includes(String(status)))
    return [`${path} does not answer ${status}`];
  const documented = follow<Documented>(pointer('paths', path, method, 'responses', String(status)));
  const problems: string[] = [];
  for (const name of Object.keys(documented.value.headers ?? {})) {
    const header = follow<Header>(`${documented.at}/headers/${escapePart(name)}`);
    const value = headers.get(name);
    if (value !== null) problems.push(...schemaProblems(`${header.at}/schema`, value, name));
    else if (header.value.required) problems.push(`${name} is missing`);
  }
  const type = headers.get('content-type')?.split(';')[0] ?? '';
  const { content } = documented.value;
  if (!content) return body === '' ? problems : [...problems, 'there is a body'];
  if (!(type in content)) return [...problems, `${status} is not answered as ${type || 'nothing'}`];
  const value = type.endsWith('json') ? JSON.parse(body) : body;
  return [
    ...problems,
    ...schemaProblems(`${documented.at}/content/${escapePart(type)}/schema`, value, 'body'),
  ];
}
