import { type FunctionApp, keyHeader } from '../functionApp';
import { quantity } from '../quantity';
import { isThisMachine } from '../sameMachine';
import { type Finding, ok, unknown, wrong } from './finding';

/*
 * Compares the functions that a running app lists with those of this version of the app:
 *
 * | difference                                                    | with an app on this machine    | with an app elsewhere          |
 * |---------------------------------------------------------------|--------------------------------|--------------------------------|
 * | a listed function is not of this version, or one is missing   | wrong                          | wrong                          |
 * | only here, or only there, a setting leaves it out or disables | wrong: it has these settings   | unknown: it has its own        |
 */

/** A function of this version of the app, and what the settings do with it. */
export interface OwnFunction {
  readonly name: string;
  /** The setting that can leave the function out, and whether it does. */
  readonly switchedBy?: { readonly setting: string; readonly isOff: boolean } | undefined;
  readonly isDisabled: boolean;
}

/** A function as the host lists it. */
export interface ListedFunction {
  readonly name: string;
  readonly isDisabled: boolean;
}

const what = 'functions';
const answerLimitMs = 15_000;
const notTheHost = 'is that the function app? --url tells where it is';

/** @param app undefined if the user did not say where it is */
export async function checkFunctions(
  own: readonly OwnFunction[],
  app: FunctionApp | undefined,
): Promise<Finding[]> {
  if (!app)
    return [
      unknown(
        what,
        'not looked at: --url https://NAME.azurewebsites.net --key MASTER_KEY tells where the app is',
      ),
    ];
  const listed = await askForFunctions(app);
  return typeof listed === 'string'
    ? [unknown(what, `not looked at, because ${listed}`)]
    : compareFunctions(own, listed, app.url);
}

/** The functions that the host lists. If they are not known, a text that says why. */
async function askForFunctions({ url, key }: FunctionApp): Promise<ListedFunction[] | string> {
  const address = new URL('/admin/functions', url);
  const request = { headers: keyHeader(key), signal: AbortSignal.timeout(answerLimitMs) };
  try {
    const reply = await fetch(address, request);
    if (reply.status === 401 || reply.status === 403)
      return `${address} answered ${reply.status}: --key must be the master key of the app, and --url its address`;
    if (!reply.ok) return `${address} answered ${reply.status}: ${notTheHost}`;
    return readFunctions(await reply.json()) ?? `${address} answered no list of functions: ${notTheHost}`;
  } catch (error) {
    if (error instanceof SyntaxError) return `${address} answered no JSON: ${notTheHost}`;
    return `${address} does not answer: is the app running? --url tells where it is`;
  }
}

function readFunctions(answer: unknown): ListedFunction[] | undefined {
  if (!Array.isArray(answer)) return undefined;
  const functions = answer.map((one: Partial<ListedFunction> | null) => ({
    name: one?.name,
    isDisabled: one?.isDisabled === true,
  }));
  return functions.every((one): one is ListedFunction => typeof one.name === 'string')
    ? functions
    : undefined;
}

/** The findings about differences between this version of the app, with these settings, and the functions that the app at `url` lists. */
export function compareFunctions(
  own: readonly OwnFunction[],
  listed: readonly ListedFunction[],
  url: URL,
): Finding[] {
  const isHere = isThisMachine(url.hostname);
  if (listed.length === 0) return [wrong(what, `${url.origin} lists no function`, remedyOf(isHere))];
  return [compareVersions(own, listed, url, isHere), ...compareSettings(own, listed, url, isHere)];
}

function compareVersions(
  own: readonly OwnFunction[],
  listed: readonly ListedFunction[],
  { origin }: URL,
  isHere: boolean,
): Finding {
  const isListed = isOneOf(listed);
  const missing = own.filter((one) => !one.switchedBy && !isListed(one));
  const extra = listed.filter((one) => !isOneOf(own)(one));
  if (missing.length + extra.length === 0)
    return ok(
      what,
      `${origin} lists ${quantity(listed.length, 'function')}, those of this version${describeDisabled(listed)}`,
    );
  const differences = [
    missing.length > 0 && `does not list ${namesOf(missing)}`,
    extra.length > 0 && `lists ${namesOf(extra)}, which this version does not have`,
  ];
  return wrong(what, `${origin} ${differences.filter(Boolean).join(', and ')}`, remedyOf(isHere));
}

const remedyOf = (isHere: boolean): string =>
  isHere
    ? 'end the app, "npm run build", and start it again; its log says what it could not load'
    : 'npm run package, then azd deploy app --from-package .package/tributary.zip; the log of the app says what it could not load';

function describeDisabled(listed: readonly ListedFunction[]): string {
  const disabled = listed.filter(({ isDisabled }) => isDisabled);
  return disabled.length === 0 ? '' : `; disabled: ${namesOf(disabled)}`;
}

function compareSettings(
  own: readonly OwnFunction[],
  listed: readonly ListedFunction[],
  { origin }: URL,
  isHere: boolean,
): Finding[] {
  return own.flatMap((one) => {
    const difference = differenceOf(one, listed.find(isNamed(one)));
    if (!difference) return [];
    const says = `${origin} ${difference.says}`;
    if (!isHere) return [unknown(what, `${says}: the app has settings of its own`)];
    const remedy = `start the app again with these settings, or say with --settings which it has: it is ${difference.setting} that differs`;
    return [wrong(what, says, remedy)];
  });
}

/** What differs about a function, and the setting that explains it; undefined if nothing differs. */
function differenceOf(
  { name, switchedBy, isDisabled }: OwnFunction,
  listed: ListedFunction | undefined,
): { readonly says: string; readonly setting: string } | undefined {
  if (switchedBy && switchedBy.isOff === (listed !== undefined)) {
    const { setting, isOff } = switchedBy;
    return isOff
      ? { setting, says: `lists ${name}, which ${setting} of these settings leaves out` }
      : { setting, says: `does not list ${name}, which ${setting} of these settings asks for` };
  }
  if (!listed || listed.isDisabled === isDisabled) return undefined;
  const setting = `AzureWebJobs.${name}.Disabled`;
  return listed.isDisabled
    ? { setting, says: `has ${name} disabled, and these settings do not disable it` }
    : { setting, says: `runs ${name}, which ${setting} of these settings disables` };
}

interface Named {
  readonly name: string;
}

const isNamed =
  ({ name }: Named) =>
  (other: Named) =>
    other.name === name;

const isOneOf = (some: readonly Named[]) => (one: Named) => some.some(isNamed(one));

const namesOf = (some: readonly Named[]): string => some.map(({ name }) => name).join(', ');
