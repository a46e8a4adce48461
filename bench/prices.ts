/*
 * What Azure charges, in US dollars in the region East US, without discounts. Prices change and differ by region: look them up before
 * you decide anything by them.
 */

/** When the prices were written down, and where they are from. */
export const pricesAsOf = 'November 2026';

export const prices = {
  /** On demand. Published figures for Flex Consumption in East US, as quoted in May 2025. */
  functions: { gbSecond: 0.000026, millionExecutions: 0.4, freeGbSeconds: 100_000, freeExecutions: 250_000 },
  /** Rough, not from a price list: hot, with a hierarchical namespace, zone-redundant, for each 10,000 operations of up to 4 MB. */
  lake: { tenThousandWrites: 0.081, tenThousandReads: 0.0052 },
  /** Rough, not from a price list: a throughput unit of Standard an hour, and a million events of up to 64 KB. */
  eventHubs: { unitHour: 0.03, millionEvents: 0.028 },
  /** Rough, not from a price list: two small nodes of a Databricks jobs cluster an hour, machines and units. */
  cluster: { hour: 0.9 },
} as const;

const daysOfMonth = 30.4;

/** What an app needs in a day. */
export interface DailyUse {
  readonly executions: number;
  readonly gbSeconds: number;
  readonly writes: number;
  readonly reads: number;
  readonly events: number;
}

/** The throughput units that a steady rate needs, where events are small: each takes 1,000 a second. */
const unitsFor = (eventsOfDay: number) => Math.max(1, Math.ceil(eventsOfDay / 86_400 / 1000));

/** What it costs in a month, after the monthly free grant of a subscription. */
export function monthlyCost(use: DailyUse) {
  const { functions, lake, eventHubs } = prices;
  const beyond = (daily: number, free: number) => Math.max(0, daily * daysOfMonth - free);
  return {
    functions:
      beyond(use.gbSeconds, functions.freeGbSeconds) * functions.gbSecond +
      (beyond(use.executions, functions.freeExecutions) / 1e6) * functions.millionExecutions,
    lake:
      ((use.writes * daysOfMonth) / 1e4) * lake.tenThousandWrites +
      ((use.reads * daysOfMonth) / 1e4) * lake.tenThousandReads,
    eventHubs:
      unitsFor(use.events) * eventHubs.unitHour * 24 * daysOfMonth +
      ((use.events * daysOfMonth) / 1e6) * eventHubs.millionEvents,
  };
}

/** A cluster that runs day and night, in a month. */
export const monthlyCluster = prices.cluster.hour * 24 * daysOfMonth;
