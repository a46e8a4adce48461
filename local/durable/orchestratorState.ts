import { parseJsonObject } from '../../src/lib/jsonObject';
import { type Action, readActions } from './actions';
import type { Answer } from './history';
import { notSupported } from './limits';

/** The answer of an orchestrator of the package `durable-functions`. */
export interface OrchestratorState {
  /** All actions since the start. Undefined if they cannot be read or one of them is not supported; then there is an error. */
  actions: Action[] | undefined;
  isDone: boolean;
  output: unknown;
  error: string | undefined;
  customStatus: unknown;
}

/** The text with which the package separates the message of an error from the state of the orchestrator that failed. */
const stateLabel = '\n\n$OutOfProcData$:';

export function readState(answer: Answer): OrchestratorState {
  if ('returned' in answer) return parseState(answer.returned);
  const message = answer.threw instanceof Error ? answer.threw.message : String(answer.threw);
  const at = message.indexOf(stateLabel);
  return at < 0 ? unreadable(message) : parseState(message.slice(at + stateLabel.length));
}

function parseState(text: string): OrchestratorState {
  try {
    const state = parseJsonObject(text, 'The answer of the orchestrator');
    return {
      actions: readActions(state.actions),
      isDone: state.isDone === true,
      output: state.output ?? null,
      error: state.error === undefined ? undefined : inOwnWords(String(state.error)),
      customStatus: state.customStatus,
    };
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** The error in this host's words. The package itself refuses locks, and advises to use a newer extension, which does not help here. */
const inOwnWords = (error: string): string =>
  error.startsWith('lock requires a Durable Functions extension') ? notSupported('entities').message : error;

const unreadable = (error: string): OrchestratorState => ({
  actions: undefined,
  isDone: false,
  output: null,
  error,
  customStatus: undefined,
});
