/**
 * What a value must be: anything, one of some literals, an object with these properties, or an array of one shape. Names that end with
 * "?" may be missing.
 */
export type Shape = 'any' | readonly string[] | { readonly each: Shape } | { readonly [name: string]: Shape };

export interface ResourceType {
  readonly version: string;
  readonly shape: { readonly [name: string]: Shape };
  /** Properties that Azure adds and that the template may read, besides id and name. */
  readonly reads?: readonly string[];
}

/** Resource types by their names. */
export type ResourceTypes = Readonly<Record<string, ResourceType>>;

/** The properties of a resource that is in a resource group. */
export const placed = { name: 'any', location: 'any', tags: 'any' } as const;
/** The properties of a resource that is part of another one. */
export const child = { parent: 'any', name: 'any' } as const;
