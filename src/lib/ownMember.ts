/**
 * A member of an object whose name comes from outside, like the name of a column. Undefined if the object has no own member of this name;
 * members that every object inherits, like `constructor`, do not count.
 */
export const ownMember = (object: Readonly<Record<string, unknown>> | undefined, name: string): unknown =>
  object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
