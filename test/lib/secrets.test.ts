import { describe, expect, it } from 'vitest';
import { hideSecrets, withoutSecrets } from '../../src/lib/secrets';

const secret = 'hunter2/ab+c==';

describe('what is blanked', () => {
  it.each([
    `Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${secret};EntityPath=clicks`,
    `DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=${secret};EndpointSuffix=core.windows.net`,
    `https://lake.blob.core.windows.net/lake/clicks?sv=2024&sig=${secret}&se=2027`,
    `Server=tcp:contoso.sql.azuresynapse.net;User ID=loader;Password=${secret};Encrypt=true`,
    `jdbc:sqlserver://contoso:1433;database=db;user=loader;password=${secret};encrypt=true`,
    `Server=contoso;Pwd="${secret} with; a semicolon";Encrypt=true`,
    `Server=contoso;Password={${secret};}};Encrypt=true`,
    `Server=contoso;Password=correct ${secret};Encrypt=true`,
    `Server=contoso;Password=a&b"c\\d'${secret};Encrypt=true`,
    `Server=contoso;Password="a""${secret}";Encrypt=true`,
    `Server=contoso;Password='a''${secret}';Encrypt=true`,
    `jdbc:sqlserver://contoso;password={a}}${secret}};encrypt=true`,
    `Server=contoso;Password="a" ${secret}`,
    `http://localhost:7071/api/clicks?code=${secret}`,
    `GET https://rest.coincap.io/v3/assets?apiKey=${secret} failed`,
    `Authorization: Bearer ${secret}`,
    `{"message":"AccountKey=${secret}"}`,
  ])('%s', (text) => {
    const hidden = hideSecrets(text);
    expect(hidden).not.toContain('hunter2');
    expect(hidden).toContain('***');
    expect(hidden).toMatch(/contoso|lake|localhost|coincap|Authorization|message/);
  });

  it('leaves other texts as they are', () => {
    for (const text of [
      'code 404',
      'The password is wrong.',
      'errorcode=5',
      'failed with code=ETIMEDOUT',
      'SharedAccessKeyName=send',
    ])
      expect(hideSecrets(text)).toBe(text);
  });
});

describe('an error that leaves our code', () => {
  it('is the same one if it holds no secret', () => {
    const error = new RangeError('Out of range.');
    expect(withoutSecrets(error)).toBe(error);
    expect(withoutSecrets(7)).toBe(7);
  });

  it('keeps its name and text without the secret, in its stack too', () => {
    const error = withoutSecrets(new TypeError(`No hub: SharedAccessKey=${secret}`)) as Error;
    expect([error.name, error.message]).toEqual(['TypeError', 'No hub: SharedAccessKey=***']);
    expect(error.stack).not.toContain('hunter2');
    expect(withoutSecrets(`AccountKey=${secret}`)).toBe('AccountKey=***');
  });
});
