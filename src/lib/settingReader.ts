import { parseDuration } from './duration';
import { TributaryError } from './errors';
import {
  type Environment,
  type SettingDefinition,
  settingDefinitions,
  settingText,
} from './settingDefinitions';

/** Reads settings from an environment, and collects what is wrong with them. No problem contains a secret. */
export class SettingReader {
  readonly environment: Environment;
  /** The definitions of the streams' settings, by name, because streams may share a setting. */
  readonly #ofStreams: ReadonlyMap<string, SettingDefinition>;
  /** One line for each problem. It is a set, because several streams may use the same malformed connection. */
  readonly #problems = new Set<string>();
  /** Settings whose text cannot be a value, like an unresolved reference to Key Vault. Their other problems are not reported. */
  readonly #unusable = new Set<string>();

  /** @param ofStreams definitions besides the app's own */
  constructor(environment: Environment, ofStreams: readonly SettingDefinition[] = []) {
    this.environment = environment;
    this.#ofStreams = new Map(ofStreams.map((definition) => [definition.name, definition]));
  }

  /** The value or the default; undefined if the setting has neither. */
  value(name: string): string | undefined {
    const value = settingText(this.#definition(name) ?? { name }, this.environment);
    const mistake = mistakeIn(value ?? '');
    if (mistake && !this.#unusable.has(name)) {
      this.problem(`${name} ${mistake}.`);
      this.#unusable.add(name);
    }
    return value;
  }

  /** The value or the default. A setting that has neither is a problem. */
  text(name: string): string {
    const value = this.value(name);
    if (value === undefined) this.wrong(name, 'is missing');
    return value ?? '';
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.text(name);
    if (value !== '' && !pattern.test(value)) this.wrong(name, 'is malformed');
    return value;
  }

  /** Reads a duration of at most `most` milliseconds. */
  duration(name: string, most: number): number {
    const text = this.text(name);
    const value = parseDuration(text, ['ms', 's', 'm']);
    if (value === undefined && text !== '') this.wrong(name, 'is malformed');
    if (value !== undefined && value > most) this.wrong(name, 'is out of range');
    return value ?? 0;
  }

  /** Reads a whole number from `least` to `most`. */
  wholeNumber(name: string, least: number, most: number): number {
    const text = this.text(name);
    const value = Number(text);
    if (!/^\d{0,15}$/.test(text)) this.wrong(name, 'is malformed');
    else if (text !== '' && (value < least || value > most)) this.wrong(name, 'is out of range');
    return value;
  }

  /** Checks the settings of the streams. */
  checkStreams(): void {
    for (const { name, check } of this.#ofStreams.values()) {
      const value = this.text(name);
      const problem = value === '' ? undefined : check?.(value, this.environment);
      if (problem) this.wrong(name, problem);
    }
  }

  /** Adds the problem of a setting, with the form that is expected. */
  wrong(name: string, what: string, expected = this.#definition(name)?.expected): void {
    this.problem(`${name} ${what}: expected ${expected ?? 'a value'}.`);
  }

  /** Adds a problem. The line begins with the name of the setting. */
  problem(line: string): void {
    const [name = ''] = line.split(' ', 1);
    if (!this.#unusable.has(name)) this.#problems.add(line);
  }

  /** One line for each problem. */
  get problems(): readonly string[] {
    return [...this.#problems];
  }

  /** Throws `settings.invalid` with all problems, if there are any. */
  throwIfAny(): void {
    if (this.#problems.size === 0) return;
    const lines = this.problems.map((line) => `- ${line}`).join('\n');
    throw new TributaryError('settings.invalid', `Settings are missing or malformed:\n${lines}`);
  }

  #definition(name: string): SettingDefinition | undefined {
    return this.#ofStreams.get(name) ?? settingDefinitions.find((definition) => definition.name === name);
  }
}

/** The problems that an error of `settings.invalid` names, each in one line; the whole message of another error. */
export function problemsIn({ message }: Pick<Error, 'message'>): string[] {
  const problems = message.split('\n').flatMap((line) => (line.startsWith('- ') ? [line.slice(2)] : []));
  return problems.length > 0 ? problems : [message];
}

/** What is wrong with a stream's setting, in one line; undefined if nothing is. */
export function problemOf(
  definition: SettingDefinition,
  environment: Environment = process.env,
): string | undefined {
  const reader = new SettingReader(environment, [definition]);
  reader.checkStreams();
  return reader.problems[0];
}

/**
 * A typographic quote at the beginning or the end of the text, or of a part `name=value`, where it must be meant as a quote. Elsewhere it
 * may be part of a value.
 */
const typographicQuote = /(?:^|=)\s*[“”„‟‘’‚‛«»]|[“”„‟‘’‚‛«»]\s*(?:;|$)/;

/** What is wrong with a text that cannot be the value of any setting; undefined for any other text. */
function mistakeIn(text: string): string | undefined {
  if (/^@Microsoft\.KeyVault\(/i.test(text))
    return "is a reference to Key Vault that was not resolved: in Azure, see that the secret exists and that the app's identity may read it; anywhere else, set the value itself";
  if (/@Microsoft\.KeyVault\(/i.test(text))
    return 'has a reference to Key Vault inside, where Azure resolves none: keep the whole value in the secret, and set the reference alone';
  if (/^(["']).*\1$/s.test(text)) return 'is in quotes: remove them';
  if (/^["']/.test(text)) return 'begins with a quote that does not end: remove it';
  if (typographicQuote.test(text))
    return 'has typographic quotes around it or a part of it, as word processors make them: remove them';
  return undefined;
}
