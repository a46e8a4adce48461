/*
 * The prices of Azure, in US dollars in the region East US, without discounts. Prices change and differ by region, so look them up before
 * you decide anything with them.
 */

/** When the prices were written down. Where each is from stands beside it. */
export const pricesAsOf = 'November 2026';

export const prices = {
  /** Pay per use. The published prices of Flex Consumption in East US, as quoted in May 2025. */
  functions: { gbSecond: 0.000026, millionExecutions: 0.4, freeGbSeconds: 100_000, freeExecutions: 250_000 },
  /**
   * Estimated, not from a price list: for each 10,000 operations of up to 4 MB, in the hot tier with a hierarchical namespace,
   * zone-redundant.
   */
  lake: { tenThousandWrites: 0.081, tenThousandReads: 0.0052 },
  /** Estimated, not from a price list: an hour of a throughput unit of Standard, and a million events of up to 64 KB. */
  eventHubs: { unitHour: 0.03, millionEvents: 0.028 },
  /** Estimated, not from a price list: an hour of two small nodes of a Databricks jobs cluster, both machines and units. */
  cluster: { hour: 0.9 },
} as const;

const daysOfMonth = 30.4;

/** The amounts that an app uses in a day. */
export interface DailyUse {
  readonly executions: number;
  readonly gbSeconds: number;
  readonly writes: number;
  readonly reads: number;
  readonly events: number;
}

/** The throughput units for a steady rate of small events. Each unit takes 1,000 events a second. */
const unitsFor = (eventsOfDay: number) => Math.max(1, Math.ceil(eventsOfDay / 86_400 / 1000));

/** The cost of a month, after the monthly free grant of a subscription. */
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

/** The cost of a month for a cluster that runs day and night. */
export const monthlyCluster = prices.cluster.hour * 24 * daysOfMonth;
