/**
 * A member of an object by a name that comes from outside, like that of a column. Undefined if the object has none of its own: every
 * object inherits some, like `constructor`.
 */
export const ownMember = (object: Readonly<Record<string, unknown>> | undefined, name: string): unknown =>
  object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
