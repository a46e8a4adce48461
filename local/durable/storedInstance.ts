import { parseJsonObject } from '../../src/lib/jsonObject';
import { finish, type Instance, newInstance } from './instance';

/*
 * The form in which the task hub stores an instance: JSON in a blob, whose name is made of the id.
 */

const prefix = 'instances/';
const suffix = '.json';

export const blobName = (id: string): string => `${prefix}${encodeURIComponent(id)}${suffix}`;

/** The id of the instance in a blob; undefined if no instance has a blob of this name. */
export function idOf(name: string): string | undefined {
  try {
    const id = decodeURIComponent(name.slice(prefix.length, -suffix.length));
    return blobName(id) === name ? id : undefined;
  } catch {
    return undefined;
  }
}

const texts = ['id', 'name', 'execution', 'status', 'createdAt', 'updatedAt'];
const lists = ['history', 'inbox', 'tasks', 'timers'];

/**
 * Reads an instance. If the text is no instance, because another release of this host or a person wrote it, the result is an instance that
 * has failed. So it does not stop the others, says what is wrong, and can be deleted or started again.
 * @param at when it was written (ISO 8601)
 */
export function parseInstance(text: string, id: string, at: string): Instance {
  try {
    const found = parseJsonObject(text, 'It');
    const wrong =
      texts.find((key) => typeof found[key] !== 'string') ??
      lists.find((key) => !isListOfObjects(found[key]));
    if (wrong === undefined && found.id === id) return found as unknown as Instance;
    throw new Error(`Its "${wrong ?? 'id'}" is not what this host writes.`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const reason = `${blobName(id)} in the task hub is no orchestration that this host can read. ${why} Purge it, or start it again.`;
    return finish(newInstance({ id, name: '', version: undefined, input: null }, at), 'Failed', reason, at);
  }
}

const isListOfObjects = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null);
