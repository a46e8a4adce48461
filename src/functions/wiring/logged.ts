import type { InvocationContext } from '@azure/functions';
import { logTo } from '../../lib/log';

/** A handler. The lines that it logs belong to its invocation. */
export const logged =
  <Input, Output>(handler: (input: Input, context: InvocationContext) => Output | Promise<Output>) =>
  (input: Input, context: InvocationContext): Promise<Output> =>
    logTo(context, () => handler(input, context));
