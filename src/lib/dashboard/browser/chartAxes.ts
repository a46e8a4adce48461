import type UPlot from 'uplot';
import { formatCompact } from './elements.js';

const hour = 3600;
const day = 24 * hour;

/** The facts about a chart that its axes depend on. */
export interface AxisTerms {
  /** The time between two points, in seconds. */
  readonly bucketSeconds: number;
  /** True if the values are counts. They are whole numbers, and their axis begins at zero. */
  readonly isWhole: boolean;
}

const wholeSteps = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();

/** The two axes of a chart: time, in the reader's time zone, and values. */
export function axesOf(
  colour: (name: string) => string,
  { bucketSeconds, isWhole }: AxisTerms,
): UPlot.Axis[] {
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  const isByHour = bucketSeconds >= hour;
  const withHour = isByHour ? '{MMM} {D}, {HH}:{mm}' : '{HH}:{mm}';
  return [
    {
      ...axis,
      size: 30,
      values: bucketSeconds >= day ? '{MMM} {D}' : withHour,
      space: isByHour ? 110 : 50,
    },
    {
      ...axis,
      size: 60,
      ...(isWhole ? { incrs: wholeSteps } : {}),
      values: (_chart, ticks) => ticks.map(isWhole ? formatCompact : formatTick(ticks)),
    },
  ];
}

/** A value on the axis, with as many digits as are needed to tell neighbouring values apart. */
function formatTick([first = 0, second = first + 1]: readonly number[]): (value: number) => string {
  const step = Math.abs(second - first) || 1;
  const digits = Math.max(0, Math.min(12, Math.ceil(-Math.log10(step) - 1e-9)));
  return (value) => (Math.abs(value) >= 1e6 && digits === 0 ? formatCompact(value) : value.toFixed(digits));
}
