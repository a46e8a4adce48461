import type { Key } from '../counts/keys';
import type { Tally } from '../counts/tally';
import { RequestProblem, shown } from './answer';
import { whyUncounted } from './otherClicks';
import type { Parameters } from './parameters';

const int32 = 2 ** 31;

/** Whether a text can be a product id in a path. */
export const isProductId = (text: string): boolean => /^-?\d{1,10}$/.test(text);
export const productIdForm = `a whole number from ${-int32} to ${int32 - 1}`;

/** The words of an answer: the names of its members and CSV columns, and the form in which keys and attributes are given. */
export interface CountTerms {
  readonly key: string;
  readonly keys: string;
  readonly attribute: string;
  readonly attributes: string;
  readonly count: string;
  /** The word of messages for what is counted. */
  readonly rows: string;
  /** The forms that the key in a path may have in the table. @throws RequestProblem if the text cannot be a key */
  readKey(path: string): readonly Key[];
  /** A function that tells whether an attribute is the wanted one; undefined if all attributes are wanted. */
  readAttribute(parameters: Parameters): ((attribute: Key | null | undefined) => boolean) | undefined;
  /** Why none of these keys has a count of its own, as a message. */
  whyUncounted(keys: readonly Key[], tally: Tally): string;
}

/** The name of the stream whose rows GET /api/clicks counts. */
export const clicksStream = 'clickstream';

/** The words of GET /api/clicks. */
export const clickTerms: CountTerms = {
  key: 'productid',
  keys: 'products',
  attribute: 'category',
  attributes: 'categories',
  count: 'clicks',
  rows: 'clicks',
  readKey(path) {
    if (isProductId(path)) return [Number(path)];
    throw new RequestProblem(400, `productid is ${shown(path)}: expected ${productIdForm}.`, {
      parameter: 'productid',
      accepts: `${productIdForm}; or categories, history, trending`,
    });
  },
  readAttribute(parameters) {
    const category = parameters.integer('category', -int32, int32 - 1);
    return category === undefined ? undefined : (attribute) => attribute === category;
  },
  whyUncounted: ([productid = 0], tally) =>
    whyUncounted(`product ${productid}`, [productid], tally, { row: 'click', belongs: 'on' }),
};

/** The words of GET /api/counts/{stream}, which are the same for every stream. A key may be a number or a text in the table. */
export const countTerms: CountTerms = {
  key: 'key',
  keys: 'keys',
  attribute: 'attribute',
  attributes: 'attributes',
  count: 'count',
  rows: 'rows',
  readKey: (path) => (/^-?\d{1,15}(?:\.\d{1,15})?$/.test(path) ? [Number(path), path] : [path]),
  readAttribute(parameters) {
    const wanted = parameters.text('attribute');
    return wanted === undefined
      ? undefined
      : (attribute) => attribute !== null && String(attribute) === wanted;
  },
  whyUncounted: (keys, tally) =>
    whyUncounted(`key ${shown(String(keys.at(-1)))}`, keys, tally, { row: 'row', belongs: 'with' }),
};
