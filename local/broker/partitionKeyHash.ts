/*
 * Finds the partition of a key. The broker does not use the app's code for it, so that an error in the app shows here as it would
 * against the service: events arrive in another partition than the app expects.
 */

/** The index into the hub's partition ids: the key's hash, modulo the number of partitions, without its sign. */
export const partitionOf = (key: Uint8Array, partitionCount: number): number =>
  Math.abs(hashPartitionKey(key) % partitionCount);

/**
 * The service's hash of a key's UTF-8 bytes, a signed 16-bit number: the lower halves of the two words of Bob Jenkins' `hashlittle2`
 * (lookup3.c) with both seeds 0, xor-ed.
 */
export function hashPartitionKey(key: Uint8Array): number {
  const words = new Uint32Array(3).fill(0xdeadbeef + key.length);
  // The bytes are taken in blocks of 12. The last block may be shorter and is mixed in another way.
  const lastBlock = Math.max(0, Math.ceil(key.length / 12) - 1) * 12;
  for (let at = 0; at < lastBlock; at += 12) {
    addBlock(words, key.subarray(at, at + 12));
    mix(words);
  }
  addBlock(words, key.subarray(lastBlock));
  // For a key without bytes, lookup3 returns the state unmixed.
  if (key.length > 0) mixLast(words);
  const [, b, c] = words;
  return new Int16Array([Number(b) ^ Number(c)])[0] ?? 0;
}

/** Adds up to 12 bytes to the three words, the lowest byte of each word first. */
function addBlock(words: Uint32Array, block: Uint8Array): void {
  for (const [index, byte] of block.entries()) add(words, index >> 2, byte * 2 ** (8 * (index & 3)));
}

/*
 * Both ways of mixing go round the words a, b, c. A step changes one word with the help of the word before it (the word before a is
 * c). The numbers say how far the helper is rotated to the left in each step.
 */
const rotations = [4, 6, 8, 16, 19, 4];
const lastRotations = [14, 11, 25, 16, 4, 14, 24];

/** `mix` of lookup3.c: begins with a. The word after the changed one is added to the helper. */
function mix(words: Uint32Array): void {
  for (const [step, bits] of rotations.entries()) {
    const changed = step % 3;
    const helper = (changed + 2) % 3;
    add(words, changed, -at(words, helper));
    words[changed] = at(words, changed) ^ rotate(at(words, helper), bits);
    add(words, helper, at(words, (changed + 1) % 3));
  }
}

/** `final` of lookup3.c: begins with c. */
function mixLast(words: Uint32Array): void {
  for (const [step, bits] of lastRotations.entries()) {
    const changed = (step + 2) % 3;
    const helper = (changed + 2) % 3;
    words[changed] = at(words, changed) ^ at(words, helper);
    add(words, changed, -rotate(at(words, helper), bits));
  }
}

/** A word of the state. The array turns every number that is written into it into an unsigned 32-bit number. */
const at = (words: Uint32Array, index: number): number => words[index] ?? 0;

function add(words: Uint32Array, index: number, value: number): void {
  words[index] = at(words, index) + value;
}

const rotate = (word: number, bits: number): number => ((word << bits) | (word >>> (32 - bits))) >>> 0;
