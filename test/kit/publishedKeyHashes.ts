/** Partition keys and their hashes, as Microsoft's own clients publish them in their tests. */
export const publishedKeyHashes: readonly (readonly [key: string, hash: number])[] = [
  ['7', -15263],
  ['131', 30562],
  ['7149583486996073602', 12977],
  ['FWfAT', -22341],
  ['sOdeEAsyQoEuEFPGerWO', -6503],
  ['FAyAIctPeCgmiwLKbJcyswoHglHVjQdvtBowLACDNORsYvOcLddNJYDmhAVkbyLOrHTKLneMNcbgWVlasVywOByANjs', 5226],
  ['!c*_!I@1^c', 15372],
  ['p4*!jioeO/z-!-;w:dh', -3104],
  ['$0cb', 26269],
  ['-4189260826195535198', 453],
];
