import type UPlot from 'uplot';
import type { Bucket } from './api.js';
import { byId, formatCompact, formatNumber, formatTime, setText } from './elements.js';

declare global {
  interface Window {
    /** Set by the library's own script. */
    readonly uPlot: typeof UPlot;
  }
}

const heightPx = 220;
const hour = 3600;

/** What the chart shows. */
export interface ChartContent {
  readonly title: string;
  readonly buckets: readonly Bucket[];
  /** The chart in words, for those who cannot see it. */
  readonly words: string;
}

/** Clicks over time. */
export class HistoryChart {
  readonly #box = byId('history');
  #chart: UPlot | undefined;
  #content: ChartContent | undefined;
  #data: [number[], number[]] = [[], []];
  #bucket = 60;

  constructor() {
    new ResizeObserver(() => {
      this.#chart?.setSize({ width: this.#box.clientWidth, height: heightPx });
    }).observe(this.#box);
    // The colours are drawn into the canvas, so another theme, or paper, needs a new drawing.
    for (const query of ['(prefers-color-scheme: dark)', 'print'])
      window.matchMedia(query).addEventListener('change', () => this.#redraw());
  }

  /** What is shown now; undefined if nothing is. */
  get content(): ChartContent | undefined {
    return this.#content;
  }

  show(content: ChartContent): void {
    this.#content = content;
    const { title, words, buckets } = content;
    this.#data = [buckets.map(({ from }) => Date.parse(from) / 1000), buckets.map(({ clicks }) => clicks)];
    const [first = 0, second = first + 60] = this.#data[0];
    const isSameScale = this.#bucket === second - first;
    this.#bucket = second - first;
    setText('history-title', title);
    setText('history-words', words);
    if (this.#chart && isSameScale) this.#chart.setData(this.#data);
    else this.#draw();
  }

  /** Shows words instead of a chart. */
  clear(title: string, words: string): void {
    this.#content = undefined;
    this.#chart?.destroy();
    this.#chart = undefined;
    setText('history-title', title);
    setText('history-words', words);
    setText('history-at', '');
  }

  #redraw(): void {
    if (this.#chart) this.#draw();
  }

  #draw(): void {
    this.#chart?.destroy();
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => styles.getPropertyValue(name).trim();
    const paths = window.uPlot.paths.bars?.({ size: [0.7, 40] });
    const margin = this.#bucket / 2;
    this.#chart = new window.uPlot(
      {
        width: this.#box.clientWidth,
        height: heightPx,
        cursor: { drag: { x: false, y: false } },
        legend: { show: false },
        hooks: { setCursor: [(chart) => this.#tell(chart.cursor.idx)] },
        scales: {
          // Half a bucket more at both ends, or half of the outer bars would be cut off.
          x: { range: (_chart, first, last) => [first - margin, last + margin] },
          y: { range: (_chart, _least, most) => [0, Math.max(1, most * 1.1)] },
        },
        axes: axesOf(colour, this.#bucket >= hour),
        series: [
          {},
          {
            label: 'Clicks',
            stroke: colour('--accent'),
            fill: colour('--accent'),
            width: 0,
            ...(paths ? { paths } : {}),
            points: { show: false },
          },
        ],
      },
      this.#data,
      this.#box,
    );
  }

  /** Says what the bar under the pointer shows. */
  #tell(index: number | null | undefined): void {
    const [at, clicks] = [this.#data[0][index ?? -1], this.#data[1][index ?? -1]];
    const isBar = at !== undefined && clicks !== undefined;
    setText('history-at', isBar ? `From ${formatTime(at * 1000)}: ${formatNumber(clicks)} clicks` : '');
  }
}

const wholeSteps = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();

/** Time, in the reader's time zone, and clicks, which are whole. */
function axesOf(colour: (name: string) => string, isByHour: boolean): UPlot.Axis[] {
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  return [
    {
      ...axis,
      size: 30,
      values: isByHour ? '{MMM} {D}, {HH}:{mm}' : '{HH}:{mm}',
      space: isByHour ? 110 : 50,
    },
    { ...axis, size: 60, incrs: wholeSteps, values: (_chart, ticks) => ticks.map(formatCompact) },
  ];
}
