/** The parts of a route below its own path, as they stand in an address: a part may hold a slash. Missing parts come last. */
export const pathOf = (...parts: readonly (string | undefined)[]): string =>
  parts
    .filter((part) => part !== undefined)
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/');
