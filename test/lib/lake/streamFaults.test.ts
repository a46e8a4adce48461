import { describe, expect, it } from 'vitest';
import { streamFaults } from '../../../src/lib/lake/streamFaults';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { loadStreams } from '../../../src/lib/streams/loadStreams';
import type { Stream, WarehouseTable } from '../../../src/lib/streams/stream';

const known =
  'productid, timestamp, sessionid, category, enqueued_at, hub_created_at, hub_partition, sequence_number, element, _rescued_data';

const withColumn = (name: string): Stream => ({
  ...clickstream,
  columns: [...clickstream.columns, { name, type: 'string', nullable: true }],
});

describe('the definitions of streams', () => {
  it('have no faults as shipped', async () => {
    expect(streamFaults(await loadStreams())).toEqual([]);
  });

  it('are wrong if they count by a column that is not there', () => {
    const counted = { key: 'product', attribute: 'kind', dimensions: ['store', 'category'] };
    expect(streamFaults([{ ...clickstream, counted }])).toEqual([
      `The stream clickstream has no column product, which counted.key names: expected one of ${known}.`,
      `The stream clickstream has no column kind, which counted.attribute names: expected one of ${known}.`,
      `The stream clickstream has no column store, which counted.dimensions names: expected one of ${known}.`,
    ]);
  });

  it('are wrong if newest rows are told of a column that is not there, or are newest by one that is no time', () => {
    const latest = { key: 'sesion', asOf: 'category', columns: ['price'], history: ['cost'] };
    expect(streamFaults([{ ...clickstream, latest }])).toEqual([
      `The stream clickstream has no column sesion, which latest.key names: expected one of ${known}.`,
      'The stream clickstream has no column category of the type timestamp, which latest.asOf names: expected one of timestamp, enqueued_at, hub_created_at.',
      `The stream clickstream has no column price, which latest.columns names: expected one of ${known}.`,
      `The stream clickstream has no column cost, which latest.history names: expected one of ${known}.`,
    ]);
  });

  it('are wrong if a column of the warehouse is filled from one that is not there', () => {
    const columns = [{ name: 'kind', from: 'categroy', type: 'int' as const }];
    const warehouse = { schema: 'shop', name: 'clicks', columns };
    expect(streamFaults([{ ...clickstream, warehouse }])).toEqual([
      `The stream clickstream has no column categroy, which the warehouse's column kind names: expected one of ${known}.`,
    ]);
  });

  it('are wrong if a list names a column twice', () => {
    const counted = { key: 'productid', attribute: 'category', dimensions: ['category', 'category'] };
    const latest = {
      key: 'productid',
      asOf: 'timestamp',
      columns: ['category', 'category'],
      history: ['category'],
    };
    expect(streamFaults([{ ...clickstream, counted, latest }])).toEqual([
      'The stream clickstream names the column category twice in counted.dimensions: name it once.',
      'The stream clickstream names the column category twice in latest.columns: name it once.',
    ]);
  });

  it('are wrong if the table of the warehouse cannot be made, or no row would fit it', () => {
    const warehouse: WarehouseTable = {
      ...{ schema: 'shop', name: '', identity: 'id' },
      columns: [
        { name: 'ID', from: 'productid', type: 'int' },
        { name: 'moment', from: 'timestamp', type: 'varchar(50)' },
        { name: 'kind', from: '_rescued_data', type: 'int' },
        { name: 'text', from: '_rescued_data', type: 'nvarchar(4001)' },
        { name: 'empty', from: '_rescued_data', type: 'varchar(0)' },
      ],
    };
    expect(streamFaults([{ ...clickstream, warehouse }])).toEqual([
      'The stream clickstream has "" in warehouse: expected a name of 1 to 128 characters.',
      'The stream clickstream has two columns of the warehouse of the name ID (upper and lower case are the same): give one another name.',
      "The stream clickstream fills the warehouse's column moment, of the type varchar(50), from timestamp, of the type timestamp: expected datetime, datetime2(6), bigint.",
      "The stream clickstream fills the warehouse's column kind, of the type int, from _rescued_data, of the type string: expected varchar(n), nvarchar(n).",
      "The stream clickstream has the type nvarchar(4001) in the warehouse's column text: expected a length from 1 to 4000.",
      "The stream clickstream has the type varchar(0) in the warehouse's column empty: expected a length from 1 to 8000.",
    ]);
    expect(
      streamFaults([{ ...clickstream, warehouse: { schema: 'shop', name: 'clicks', columns: [] } }]),
    ).toEqual([
      'The stream clickstream names no columns in warehouse.columns: name some, or leave out warehouse.',
    ]);
    const columns = warehouse.columns.slice(0, 1);
    expect(
      streamFaults([{ ...clickstream, warehouse: { schema: 'ops', name: 'load_ledger', columns } }]),
    ).toHaveLength(1);
  });

  it('are wrong if a name is not accepted', () => {
    const signs = 'of the letters a to z, digits, ., - and _, with a letter or digit at both ends';
    const names = { name: 'Orders x', hubSetting: 'ORDERS-HUB', table: '_orders' };
    const columns = [...clickstream.columns, { name: 'unit price', type: 'double', nullable: true } as const];
    expect(streamFaults([{ ...clickstream, ...names, columns }])).toEqual([
      `The stream Orders x has the name "Orders x", which is not accepted: expected a name ${signs}, because its hub has it too.`,
      'The stream Orders x has the hubSetting "ORDERS-HUB", which is not accepted: expected the name of a setting, like ORDERS_HUB.',
      `The stream Orders x has the table "_orders", which is not accepted: expected names ${signs}, and / between folders.`,
      'The stream Orders x has the column "unit price", which is not accepted: expected a name without blanks, line feeds and the signs , ; { } ( ) =.',
    ]);
    expect(streamFaults([{ ...clickstream, table: 'shop/orders' }])).toEqual([]);
  });

  it.each(['Element', '_rescued_data', 'Category'])('are wrong with a second column %s', (name) => {
    const [fault, ...others] = streamFaults([withColumn(name)]);
    expect(fault?.toLowerCase()).toContain(`two columns of the name ${name.toLowerCase()}`);
    expect(others).toEqual([]);
  });

  it('are wrong if two streams, or a stream and the dead letters, share a name', () => {
    const faults = streamFaults([clickstream, { ...clickstream }]);
    expect(faults).toEqual(
      [
        'name clickstream',
        'table clicks',
        'hubSetting CLICKSTREAM_HUB',
        'table of the warehouse clickstream.clicks',
      ].map((taken) => `The ${taken} is taken: two streams must not share it, give one of them another.`),
    );
    expect(streamFaults([{ ...clickstream, table: 'dead_letters' }])).toHaveLength(1);
  });
});
