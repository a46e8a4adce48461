/** A deletion vector as Delta Lake's log names one (PROTOCOL.md, "Deletion Vector Descriptor Schema"): it takes one row away. */
export const deletionVector = {
  storageType: 'u',
  pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
  offset: 4,
  sizeInBytes: 36,
  cardinality: 1,
};
