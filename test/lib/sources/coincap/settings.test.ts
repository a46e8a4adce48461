import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../../src/lib/settings';
import { coincapApiKey, coincapSettings, coincapUrl } from '../../../../src/lib/sources/coincap/settings';
import type { Stream } from '../../../../src/lib/streams/stream';
import { assetStream } from '../../../kit/assetStream';

const stream: Stream = { ...assetStream, settings: coincapSettings };

const ofTheApp = {
  EventHubConnection: 'Endpoint=sb://127.0.0.1;SharedAccessKeyName=a;SharedAccessKey=b',
  LakeStorage: 'UseDevelopmentStorage=true',
  CONSUMER_GROUP: 'tributary',
};
const required = { ...ofTheApp, PRICES_HUB: 'prices', COINCAP_SCHEDULE: '0 */30 * * * *' };

describe('the settings of the source', () => {
  it('name the published API and no key unless told', () => {
    const settings = parseSettings(required, [stream]);
    expect(settings.text(coincapUrl)).toBe('https://rest.coincap.io');
    expect(settings.text(coincapApiKey)).toBe('');
  });

  it('take plain http for this machine alone, because it carries the key in the open', () => {
    for (const COINCAP_URL of ['http://127.0.0.1:7072', 'http://localhost:7072', 'http://[::1]:7072'])
      expect(parseSettings({ ...required, COINCAP_URL }, [stream]).text(coincapUrl)).toBe(COINCAP_URL);
    expect(() => parseSettings({ ...required, COINCAP_URL: 'http://rest.coincap.io' }, [stream])).toThrow(
      '- COINCAP_URL is malformed: expected an https URL; http only on this machine.',
    );
  });

  it.each([
    [{ COINCAP_URL: 'https://me:s3cret@coincap.io' }, 'COINCAP_URL has a user or password'],
    [{ COINCAP_API_KEY: 's3cret\nkey' }, 'COINCAP_API_KEY has a blank, a line break or'],
    [{ COINCAP_API_KEY: 's3cret ключ' }, 'COINCAP_API_KEY has a blank, a line break or'],
  ])('refuse what no request can carry', (values, problem) => {
    const parse = () => parseSettings({ ...required, ...values }, [stream]);
    expect(parse).toThrow(`- ${problem}`);
    expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret') }));
  });

  it('are asked for only if a stream refers to them', () => {
    expect(() => parseSettings({ ...required, COINCAP_SCHEDULE: '' }, [stream])).toThrow(
      '- COINCAP_SCHEDULE is missing: expected an NCRONTAB expression',
    );
    expect(() => parseSettings({ ...ofTheApp, COINCAP_URL: 'no url' }, [])).not.toThrow();
  });
});
