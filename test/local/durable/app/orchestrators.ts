/*
 * Orchestrators that run on any engine: an adapter makes these tasks from what the engine has. Each shows one feature, or two that meet.
 */

/** What an orchestrator can ask for. A yielded task gives its result, or throws if it failed. */
export interface Tasks {
  call(activity: string, input?: unknown, retry?: Retry): Task;
  /** Fires after so many milliseconds. */
  timer(ms: number): TimerTask;
  event(name: string): Task;
  all(tasks: Task[]): Task;
  /** Its result is the first task that ended, whether it succeeded or failed. */
  any(tasks: Task[]): Task;
  setStatus(status: unknown): void;
  continueAsNew(input: unknown): void;
}

export interface Retry {
  attempts: number;
  waitMs: number;
  factor?: number;
  longestWaitMs?: number;
}

/** A task of an engine; the adapters know more about it. */
export interface Task {
  readonly isFaulted: boolean;
  readonly result?: unknown;
}

export interface TimerTask extends Task {
  cancel(): void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: an orchestrator that continues as new returns nothing.
export type Orchestrator = (tasks: Tasks, input: Input) => Generator<Task, unknown | void, unknown>;
type Input = Readonly<Record<string, unknown>> & { count?: number };

const quick: Retry = { attempts: 3, waitMs: 20 };
const patient: Retry = { attempts: 50, waitMs: 100 };
/** Its first wait is longer than a test: the in-memory engine makes all attempts at once after it. */
const slowly: Retry = { attempts: 50, waitMs: 1_000 };

/** Whether a task that is yielded fails, and the word that the failing activities say. */
function* outcome(task: Task): Generator<Task, string, unknown> {
  try {
    yield task;
    return 'fine';
  } catch (error) {
    return /broken \w+/.exec(String(error))?.[0] ?? `unknown: ${error}`;
  }
}

export const orchestrators: Readonly<Record<string, Orchestrator>> = {
  // biome-ignore lint/correctness/useYield: this is an orchestrator without any task.
  *nothing() {
    return 'done';
  },
  *echoes({ call }, input) {
    return yield call('echo', input.value);
  },
  *echoOfNothing({ call }) {
    return yield call('echo');
  },
  *chain({ call }) {
    const one = yield call('add', [1, 2]);
    const two = yield call('add', [one, 10]);
    return [one, two];
  },
  *fanOut({ call, all }) {
    return yield all(Array.from({ length: 12 }, (_, n) => call('add', [n, 1])));
  },
  *nested({ call, all, any, timer }) {
    const late = timer(60_000);
    const first = any([late, all([call('add', [1, 1]), call('add', [2, 2])])]);
    const results = (yield all([first, call('add', [3, 3])])) as [Task, number];
    late.cancel();
    return [results[0].result, results[1]];
  },
  *lateYield({ call, any }) {
    const slow = call('wait', 200);
    const fast = call('add', [1, 1]);
    const winner = yield any([slow, fast]);
    return [winner === fast, yield slow, yield fast];
  },
  *failure({ call }) {
    return yield* outcome(call('fail', 'a'));
  },
  *uncaughtFailure({ call }) {
    yield call('fail', 'b');
  },
  // biome-ignore lint/correctness/useYield: it throws before it could.
  *thrown() {
    throw new Error('broken orchestrator');
  },
  *failureInFanOut({ call, all }) {
    const failed = yield* outcome(all([call('wait', 50), call('fail', 'c'), call('wait', 100)]));
    return [failed, yield call('add', [1, 1])];
  },
  *failureInRace({ call, any }) {
    const slow = call('wait', 5_000);
    const winner = (yield any([slow, call('fail', 'd')])) as Task;
    return [winner === slow, winner.isFaulted];
  },
  *retry({ call }) {
    return yield call('flaky', { key: 'retry', failures: 2 }, quick);
  },
  *retryAtOnce({ call }) {
    return yield call('flaky', { key: 'retryAtOnce', failures: 0 }, quick);
  },
  *retryInVain({ call }) {
    const failed = yield* outcome(call('flaky', { key: 'vain', failures: 99 }, quick));
    return [failed, yield call('attempts', 'vain')];
  },
  *retryWithFactor({ call }) {
    const from = yield call('clock');
    yield call('flaky', { key: 'factor', failures: 3 }, { attempts: 4, waitMs: 100, factor: 2 });
    return yield call('hasPassed', [from, 700]);
  },
  *retryWithFactorOnly({ call }) {
    return yield call('flaky', { key: 'grows', failures: 3 }, { attempts: 4, waitMs: 20, factor: 2 });
  },
  *retryWithLongestWait({ call, any, timer }) {
    const retry = { attempts: 5, waitMs: 50, factor: 1_000, longestWaitMs: 60 };
    const flaky = call('flaky', { key: 'longest', failures: 4 }, retry);
    const late = timer(20_000);
    const winner = (yield any([flaky, late])) as Task;
    late.cancel();
    return winner.result;
  },
  *retryInFanOut({ call, all }) {
    const flaky = (key: string, failures: number) => call('flaky', { key, failures }, quick);
    const results = yield all([flaky('f0', 2), call('add', [1, 1]), flaky('f1', 1), flaky('f2', 0)]);
    return [results, yield call('add', [2, 2])];
  },
  *retryInVainInFanOut({ call, all }) {
    const flaky = (key: string, failures: number) => call('flaky', { key, failures }, quick);
    const failed = yield* outcome(all([flaky('g0', 1), flaky('g1', 99), call('add', [1, 1])]));
    return [failed, yield call('attempts', 'g0'), yield call('attempts', 'g1')];
  },
  *retryMeetsNewWork({ call, any }) {
    // While one activity is tried again and again, others begin and end.
    const flaky = call('flaky', { key: 'meets', failures: 4 }, { attempts: 9, waitMs: 30 });
    let sum = 0;
    yield any([flaky, call('add', [0, 0])]);
    for (let n = 1; n <= 5; n++) {
      yield call('wait', 20);
      sum = (yield call('add', [sum, n])) as number;
    }
    return [sum, yield flaky];
  },
  *retryRacesTimer({ call, any, timer }) {
    const late = timer(300);
    const flaky = call('flaky', { key: 'races', failures: 999 }, slowly);
    return (yield any([flaky, late])) === late;
  },
  *timer({ call, timer }) {
    const from = yield call('clock');
    yield timer(150);
    return yield call('hasPassed', [from, 150]);
  },
  *timerInThePast({ timer }) {
    yield timer(-60_000);
    return 'fired';
  },
  *timers({ call, timer, all }) {
    const from = yield call('clock');
    yield all([timer(300), timer(100), timer(200)]);
    return yield call('hasPassed', [from, 300]);
  },
  *timerWins({ call, timer, any }) {
    const late = timer(100);
    const winner = yield any([call('wait', 3_000), late]);
    return winner === late;
  },
  *activityWins({ call, timer, any }) {
    const late = timer(60_000);
    const work = call('add', [1, 1]);
    const winner = (yield any([late, work])) as Task;
    late.cancel();
    return [winner === work, winner.result, yield call('add', [2, 2])];
  },
  *status({ call, setStatus }) {
    setStatus({ step: 'one' });
    yield call('add', [1, 1]);
    setStatus({ step: 'two', of: [1, 2] });
    yield call('add', [1, 1]);
    return 'done';
  },
  *statusBeforeFailure({ call, setStatus }) {
    setStatus('about to fail');
    yield call('fail', 'e');
  },
  *again({ call, setStatus, continueAsNew }, { count = 0 }) {
    setStatus({ count });
    const next = yield call('add', [count, 1]);
    if (count >= 4) return next;
    continueAsNew({ count: next });
    return undefined;
  },
  *againWithWorkOpen({ call, any, continueAsNew }, { count = 0 }) {
    // The slow one of an earlier execution has the same id as the slow one of the last. Its result must not be taken for it.
    const slow = call('waitAndSay', { ms: count < 3 ? 400 : 800, text: `slow ${count}` });
    if (count === 3) return yield slow;
    yield any([slow, call('add', [1, 1])]);
    continueAsNew({ count: count + 1 });
    return undefined;
  },
  *againWithTimerOpen({ call, any, timer, continueAsNew }, { count = 0 }) {
    const from = yield call('clock');
    const late = timer(count < 2 ? 300 : 700);
    if (count === 2) {
      yield late;
      return yield call('hasPassed', [from, 700]);
    }
    yield any([late, call('add', [1, 1])]);
    continueAsNew({ count: count + 1 });
    return undefined;
  },
  *againWithOtherWorkOpen({ call, any, continueAsNew }, { count = 0 }) {
    const quick = yield call('add', [count, 1]);
    if (count === 2) {
      // By then the results of earlier executions have come, under ids that belong to work that is done.
      for (let n = 0; n < 3; n++) yield call('add', [n, n]);
      yield call('wait', 600);
      return yield call('waitAndSay', { ms: 1, text: `${quick} after all` });
    }
    yield any([call('waitAndSay', { ms: 300, text: 'of no interest' }), call('add', [1, 1])]);
    continueAsNew({ count: count + 1 });
    return undefined;
  },
  *againWithOtherTimerOpen({ call, any, timer, continueAsNew }, { count = 0 }) {
    const quick = yield call('add', [count, 1]);
    if (count === 2) {
      for (let n = 0; n < 3; n++) yield call('add', [n, n]);
      yield timer(600);
      return yield call('waitAndSay', { ms: 1, text: `${quick} after all` });
    }
    yield any([timer(300), call('add', [1, 1])]);
    continueAsNew({ count: count + 1 });
    return undefined;
  },
  *againWithRetryOpen({ call, any, continueAsNew }, { count = 0 }) {
    const flaky = call('flaky', { key: `open${count}`, failures: count < 2 ? 99 : 1 }, patient);
    if (count === 2) return yield flaky;
    yield any([flaky, call('wait', 150)]);
    continueAsNew({ count: count + 1 });
    return undefined;
  },
  *event({ event }) {
    return yield event('go');
  },
  *twoEvents({ event, all }) {
    return yield all([event('left'), event('right')]);
  },
  *eventBeforeWait({ call, event }) {
    yield call('wait', 300);
    return yield event('go');
  },
  *eventRacesTimer({ event, timer, any }) {
    const late = timer(60_000);
    const go = event('go');
    const winner = (yield any([go, late])) as Task;
    late.cancel();
    return [winner === go, winner.result];
  },
  *eventAfterAgain({ call, event, continueAsNew }, { count = 0 }) {
    if (count > 0) return yield event('go');
    yield call('wait', 300);
    continueAsNew({ count: 1 });
    return undefined;
  },
  *manySteps({ call }) {
    let sum = 0;
    for (let n = 0; n < 40; n++) sum = (yield call('add', [sum, 1])) as number;
    return sum;
  },
  *longWait({ timer }) {
    yield timer(3_600_000);
  },
  *longWork({ call }) {
    return yield call('wait', 2_000);
  },
  *longRetry({ call }) {
    return yield call('flaky', { key: 'long', failures: 999 }, slowly);
  },
  *waitsThenWorks({ call, timer }) {
    yield timer(2_000);
    return yield call('add', [20, 22]);
  },
};
