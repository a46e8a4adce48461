/** A deletion vector in the form of Delta Lake's log (PROTOCOL.md, "Deletion Vector Descriptor Schema"). It deletes one row. */
export const deletionVector = {
  storageType: 'u',
  pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
  offset: 4,
  sizeInBytes: 36,
  cardinality: 1,
};

/** The protocol of a table whose files may have deletion vectors. */
export const deletionVectorsProtocol = {
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: ['deletionVectors'],
  writerFeatures: ['deletionVectors'],
};
