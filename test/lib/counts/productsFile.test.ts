import { describe, expect, it } from 'vitest';
import { readProducts } from '../../../src/lib/counts/productsFile';

const namesOf = (text: string) => readProducts(Buffer.from(text)).names;

describe('products.csv', () => {
  it.each([
    ['with titles', 'productid,name\n1,Lamp\n2,Chair\n'],
    ['with titles in another order, and more', '\uFEFFName,price,ProductId\r\nLamp,3,1\r\nChair,4,2'],
    ['with spaces around titles', ' productid , name \n1,Lamp\n2,Chair\n'],
    ['without titles', '1,Lamp\n2,Chair'],
    ['with lines that are none', 'productid,name\n1,Lamp\nx,Ghost\n3\n\n4,\n2,Chair\n'],
  ])('is read %s', (_how, text) => {
    expect([...namesOf(text)]).toEqual([
      [1, 'Lamp'],
      [2, 'Chair'],
    ]);
  });

  it('takes whole numbers of up to 15 digits as ids, and nothing else', () => {
    const ids = ['12', '-34', '123456789012345', '1234567890123456', 'a1', '1a', '1.0', '+1', '--1', ''];
    const text = ids.map((id) => `${id},Lamp`).join('\n');
    expect([...namesOf(text).keys()]).toEqual([12, -34, 123_456_789_012_345]);
  });

  it('takes away the mark of byte order only where it is the first character', () => {
    expect(namesOf('\uFEFF1,Lamp').get(1)).toBe('Lamp');
    expect(namesOf('\uFEFF"name","productid"\n"Lamp","1"').get(1)).toBe('Lamp');
    expect(namesOf('1,La\uFEFFmp').get(1)).toBe('La\uFEFFmp');
  });

  it('keeps quotes, commas and line breaks in quoted names, and hostile ones as they are', () => {
    const text = 'productid,name\n1,"Lamp, ""round""\nand tall"\n2,<img src=x onerror=alert(1)>\n';
    expect([...namesOf(text).values()]).toEqual(['Lamp, "round"\nand tall', '<img src=x onerror=alert(1)>']);
  });

  it.each([
    [
      '1,19" monitor\n7,"He said ""hi"""\n',
      [
        [1, '19" monitor'],
        [7, 'He said "hi"'],
      ],
    ],
    [
      '1,"Round" lamp\n2,Chair',
      [
        [1, '"Round" lamp'],
        [2, 'Chair'],
      ],
    ],
    [
      '1,"Lamp\n2,Chair',
      [
        [1, '"Lamp'],
        [2, 'Chair'],
      ],
    ],
    [
      '1,"Lamp\n2,"Chair, red"\n',
      [
        [1, '"Lamp'],
        [2, 'Chair, red'],
      ],
    ],
    [
      '1, "Lamp, red" \n2,Chair',
      [
        [1, 'Lamp, red'],
        [2, 'Chair'],
      ],
    ],
    [
      '1,Lamp\r2,Chair\r',
      [
        [1, 'Lamp'],
        [2, 'Chair'],
      ],
    ],
  ])('never shows a part of a name as the name: %j', (text, names) => {
    expect([...namesOf(text)]).toEqual(names);
  });

  it('says which lines say nothing, by their numbers in the file', () => {
    const text =
      'name,productid\r\n"Lamp,\r\nround",1\r\n\r\nGhost,x\r\n,4\r\nChair,5\r\n , \r\n6\r\nStool,5';
    expect(readProducts(Buffer.from(text))).toEqual({
      names: new Map([
        [1, 'Lamp,\r\nround'],
        [5, 'Stool'],
      ]),
      passedOver: [
        { line: 5, reason: 'its productid is no whole number' },
        { line: 6, reason: 'it has no name' },
        { line: 7, reason: 'line 10 names the same product' },
        { line: 9, reason: 'its productid is no whole number' },
      ],
      isUtf8: true,
    });
  });

  it('says whether it is UTF-8, with a byte order mark or without', () => {
    expect(readProducts(Buffer.from('\uFEFF7,Tür')).isUtf8).toBe(true);
    expect(readProducts(Buffer.from('7,Tür', 'latin1')).isUtf8).toBe(false);
    expect(readProducts(Buffer.from('\uFEFF7,Lamp', 'utf16le')).isUtf8).toBe(false);
  });
});
