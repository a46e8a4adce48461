import type { Remove } from '../delta/actions';
import { TributaryError } from '../errors';

/** The digits of Z85, an encoding of 4 bytes as 5 characters. */
const z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
/** The number of characters at the end of a vector's name: the 16 bytes of a UUID in Z85. */
const uuidCharacters = 20;

/**
 * The name, without its folder, of the file that holds the deletion vector of a removed file (PROTOCOL.md, "Deletion Vectors"). It
 * has a UUID, so that no two files of a table have it. Undefined if there is no vector, or the log itself holds it.
 * @param where names table and version in errors
 * @throws `delta.invalid` if the log does not say which file it is
 */
export function vectorFileName({ path, deletionVector }: Remove, where: string): string | undefined {
  if (typeof deletionVector !== 'object' || deletionVector === null) return undefined;
  const { storageType, pathOrInlineDv } = deletionVector as Readonly<Record<string, unknown>>;
  if (storageType === 'i') return undefined;
  const name = typeof pathOrInlineDv === 'string' ? nameBy(storageType, pathOrInlineDv) : undefined;
  if (name !== undefined) return name;
  throw new TributaryError(
    'delta.invalid',
    `${where}: it is not known where the deletion vector of the removed file ${path} is.`,
  );
}

function nameBy(storageType: unknown, text: string): string | undefined {
  if (storageType === 'u') {
    const uuid = uuidOf(text.slice(-uuidCharacters));
    return uuid && `deletion_vector_${uuid}.bin`;
  }
  return storageType === 'p' ? lastSegment(text) : undefined;
}

/** The name at the end of an absolute, URI-encoded path of a vector's file. */
function lastSegment(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name) || undefined;
  } catch {
    return name;
  }
}

function uuidOf(text: string): string | undefined {
  if (text.length !== uuidCharacters) return undefined;
  const bytes = Buffer.alloc(16);
  for (let group = 0; group < 4; group++) {
    let value = 0;
    for (const character of text.slice(group * 5, group * 5 + 5)) {
      const digit = z85.indexOf(character);
      if (digit < 0) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xffff_ffff) return undefined;
    bytes.writeUInt32BE(value, group * 4);
  }
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
