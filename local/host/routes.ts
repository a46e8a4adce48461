/** A compiled route template. */
export interface Route {
  /** The parameters, if the decoded path (without slashes at its ends) matches; otherwise undefined. */
  match(path: string): Record<string, string> | undefined;
  /** If two routes match, the one with the lower rank is taken. Ranks are compared as text. */
  rank: string;
}

type Constraint = (value: string) => boolean;

const isInteger = (value: string) => /^[+-]?\d+$/.test(value);

const constraintKinds: Record<string, (first: number, second: number) => Constraint> = {
  int: () => (value) => isInteger(value) && Math.abs(Number(value)) < 2 ** 31,
  long: () => isInteger,
  double: () => (value) => Number.isFinite(Number(value)),
  decimal: () => (value) => /^[+-]?\d+(\.\d+)?$/.test(value),
  bool: () => (value) => /^(true|false)$/i.test(value),
  guid: () => (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  alpha: () => (value) => /^[a-z]+$/i.test(value),
  min: (least) => (value) => isInteger(value) && Number(value) >= least,
  max: (most) => (value) => isInteger(value) && Number(value) <= most,
  range: (least, most) => (value) => isInteger(value) && Number(value) >= least && Number(value) <= most,
  minlength: (least) => (value) => value.length >= least,
  maxlength: (most) => (value) => value.length <= most,
  length: (least, most) => (value) => value.length >= least && value.length <= (most || least),
};

/**
 * Compiles a template in the syntax of ASP.NET Core: literals (upper or lower case), `{id}`, `{id?}`, `{*rest}` and constraints as
 * in `{id:int:min(1)}`. The ranks put literals first, then constrained parameters, then plain ones, and catch-alls last. Throws on
 * an unknown constraint, and on a segment that mixes text and parameters.
 */
export function compileRoute(template: string): Route {
  const constraints: [name: string, Constraint[]][] = [];
  let pattern = '';
  let rank = '';
  for (const segment of template.split('/').filter((one) => one !== '')) {
    const slash = pattern === '' ? '' : '/';
    const match = /^\{(\*{0,2})(\w+)((?::\w+(?:\([\d,\s-]*\))?)*)(\??)\}$/.exec(segment);
    if (!match) {
      if (/[{}]/.test(segment))
        throw new Error(`The route "${template}" has a segment "${segment}" of a kind that is unknown here.`);
      pattern += slash + segment.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
      rank += '1';
      continue;
    }
    const [, star, name = '', list = '', optional] = match;
    constraints.push([
      name,
      [...list.matchAll(/:(\w+)(?:\((.*?)\))?/g)].map((one) => readConstraint(one, template)),
    ]);
    const group = slash + (star ? '(.*)' : '([^/]+)');
    pattern += star || optional ? `(?:${group})?` : group;
    rank += star ? '4' : list === '' ? '3' : '2';
  }
  const expression = new RegExp(`^${pattern}$`, 'is');
  return {
    rank,
    match(path) {
      const values = expression.exec(path)?.slice(1);
      if (!values) return undefined;
      const params: Record<string, string> = {};
      for (const [index, [name, checks]] of constraints.entries()) {
        const value = values[index];
        if (!value) continue;
        if (!checks.every((accepts) => accepts(value))) return undefined;
        params[name] = value;
      }
      return params;
    },
  };
}

function readConstraint([text, name = '', args = '']: RegExpExecArray, template: string): Constraint {
  const kind = constraintKinds[name];
  if (kind) {
    const [first = Number.NaN, second = Number.NaN] = args.split(',').map(Number);
    return kind(first, second);
  }
  const known = Object.keys(constraintKinds).join(', ');
  throw new Error(
    `The route "${template}" has an unknown constraint "${text.slice(1)}"; known are ${known}.`,
  );
}
