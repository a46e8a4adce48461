/**
 * The index of the partition, among the hub's partition ids, that Event Hubs assigns to a key. It is Bob Jenkins' lookup3 (hashlittle2 with
 * both seeds 0) over the key's UTF-8 bytes; its two words are folded into a signed 16-bit number, modulo the number of partitions.
 */
export function partitionOfKey(partitionKey: string | Uint8Array, partitionCount: number): number {
  const folded = (hash(toBytes(partitionKey)) << 16) >> 16;
  return Math.abs(folded % partitionCount);
}

/** Three words of state are mixed for every 12 bytes and once more at the end. Returns the last two words, folded. */
function hash(key: Buffer): number {
  const start = (0xdeadbeef + key.length) | 0;
  // For a key without bytes the state is not mixed, and folds to zero.
  if (key.length === 0) return 0;
  const padded = Buffer.alloc(Math.ceil(key.length / 12) * 12);
  key.copy(padded);
  let a = start;
  let b = start;
  let c = start;
  for (let at = 0; at < padded.length; at += 12) {
    a = (a + padded.readInt32LE(at)) | 0;
    b = (b + padded.readInt32LE(at + 4)) | 0;
    c = (c + padded.readInt32LE(at + 8)) | 0;
    if (at + 12 === padded.length) break;
    a = (a - c) ^ rotateLeft(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotateLeft(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotateLeft(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotateLeft(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotateLeft(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotateLeft(b, 4);
    b = (b + a) | 0;
  }
  c = ((c ^ b) - rotateLeft(b, 14)) | 0;
  a = ((a ^ c) - rotateLeft(c, 11)) | 0;
  b = ((b ^ a) - rotateLeft(a, 25)) | 0;
  c = ((c ^ b) - rotateLeft(b, 16)) | 0;
  a = ((a ^ c) - rotateLeft(c, 4)) | 0;
  b = ((b ^ a) - rotateLeft(a, 14)) | 0;
  c = ((c ^ b) - rotateLeft(b, 24)) | 0;
  return c ^ b;
}

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

const toBytes = (key: string | Uint8Array): Buffer =>
  typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
