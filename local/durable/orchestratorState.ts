import { parseJsonObject } from '../../src/lib/jsonObject';
import { type Action, readActions } from './actions';
import type { Answer } from './history';
import { notSupported } from './limits';

/** What an orchestrator of the package `durable-functions` answered. */
export interface OrchestratorState {
  /** All actions since the start; undefined if they cannot be read, or if one of them is not supported. Then there is an error. */
  actions: Action[] | undefined;
  isDone: boolean;
  output: unknown;
  error: string | undefined;
  customStatus: unknown;
}

/** How the package separates the text of an error from the state of an orchestrator that failed. */
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

/** The package refuses locks by itself, with the advice to use a newer extension, which is of no use here. */
const inOwnWords = (error: string): string =>
  error.startsWith('lock requires a Durable Functions extension') ? notSupported('entities').message : error;

const unreadable = (error: string): OrchestratorState => ({
  actions: undefined,
  isDone: false,
  output: null,
  error,
  customStatus: undefined,
});
