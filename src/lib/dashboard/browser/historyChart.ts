import type UPlot from 'uplot';
import type { History } from './api.js';
import { byId, formatNumber } from './elements.js';

declare global {
  interface Window {
    /** Set by the library's own script. */
    readonly uPlot: typeof UPlot;
  }
}

const heightPx = 220;

/** Clicks per minute as a chart, and in words for those who cannot see it. */
export class HistoryChart {
  readonly #box = byId('history');
  #chart: UPlot | undefined;
  #data: [number[], number[]] = [[], []];

  constructor() {
    new ResizeObserver(() => {
      this.#chart?.setSize({ width: this.#box.clientWidth, height: heightPx });
    }).observe(this.#box);
    // The colours are drawn into the canvas, so another theme needs a new drawing.
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  show({ buckets, total }: History): void {
    this.#data = [buckets.map(({ from }) => Date.parse(from) / 1000), buckets.map(({ clicks }) => clicks)];
    const most = Math.max(0, ...this.#data[1]);
    byId('history-words').textContent =
      `${formatNumber(total)} clicks in the last hour; at most ${formatNumber(most)} in one minute. The last minute is not over yet.`;
    if (this.#chart) this.#chart.setData(this.#data);
    else this.#draw();
  }

  #draw(): void {
    this.#chart?.destroy();
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => styles.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    };
    const paths = window.uPlot.paths.bars?.({ size: [0.7, 40] });
    this.#chart = new window.uPlot(
      {
        width: this.#box.clientWidth,
        height: heightPx,
        cursor: { drag: { x: false, y: false } },
        legend: { show: false },
        scales: {
          // Half a minute more at both ends, or half of the outer bars would be cut off.
          x: { range: (_chart, first, last) => [first - 30, last + 30] },
          y: { range: (_chart, _least, most) => [0, Math.max(1, most * 1.1)] },
        },
        axes: [
          { ...axis, values: '{HH}:{mm}' },
          { ...axis, size: 60, values: (_chart, ticks) => ticks.map((tick) => formatNumber(tick)) },
        ],
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
}
