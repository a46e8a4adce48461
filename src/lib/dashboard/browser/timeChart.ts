import type UPlot from 'uplot';
import { type AxisTerms, axesOf } from './chartAxes.js';
import { drawMark, type Mark, markLabel } from './chartMark.js';
import { byId, formatTime, setText } from './elements.js';

declare global {
  interface Window {
    /** The chart library, which its own script puts here. */
    readonly uPlot: typeof UPlot;
  }
}

const heightPx = 220;

/** One line, or the bars, of a chart. */
export interface ChartLine {
  /** Describes a value, like `40 clicks`. */
  readonly tell: (value: number) => string;
  /** The values, one for each of `times`; null if there is none. */
  readonly values: readonly (number | null)[];
}

/** The contents of a chart. */
export interface ChartContent extends AxisTerms {
  readonly title: string;
  /** The chart in words, for those who cannot see it. */
  readonly words: string;
  readonly isBars: boolean;
  /** The times of the values, in seconds since 1970. */
  readonly times: readonly number[];
  /** The first and the last time of the axis, if it is longer than `times`. */
  readonly range?: readonly [number, number];
  readonly lines: readonly ChartLine[];
  /** A time that is marked; undefined if none is. */
  readonly mark: Mark | undefined;
}

/** The patterns of the lines, so that they differ even for readers who see no colours. The style sheet has as many colours. */
const dashes: readonly number[][] = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 2]];

/** Draws values over time into the elements ID, ID-title, ID-words and ID-at. */
export class TimeChart {
  readonly #id: string;
  readonly #box: HTMLElement;
  #chart: UPlot | undefined;
  #content: ChartContent | undefined;
  /** Describes the parts of a chart for which it must be drawn anew. If it has not changed, only values have. */
  #form = '';

  constructor(id: string) {
    this.#id = id;
    this.#box = byId(id);
    new ResizeObserver(() => {
      if (this.#box.clientWidth > 0) this.#chart?.setSize({ width: this.#box.clientWidth, height: heightPx });
    }).observe(this.#box);
    // The colours are drawn into the canvas, so the chart is drawn again for another theme, or for paper.
    for (const query of ['(prefers-color-scheme: dark)', 'print'])
      window.matchMedia(query).addEventListener('change', () => this.#redraw());
  }

  show(content: ChartContent): void {
    this.#content = content;
    setText(`${this.#id}-title`, content.title);
    setText(`${this.#id}-words`, `${content.words}${describeMark(content)}`);
    const form = JSON.stringify([
      content.isBars,
      content.lines.length,
      content.bucketSeconds,
      content.isWhole,
    ]);
    if (this.#chart && form === this.#form) this.#chart.setData(dataOf(content));
    else this.#draw(content);
    this.#form = form;
  }

  /** Shows words instead of a chart. */
  clear(title: string, words: string): void {
    this.#content = undefined;
    this.#chart?.destroy();
    this.#chart = undefined;
    setText(`${this.#id}-title`, title);
    setText(`${this.#id}-words`, words);
    setText(`${this.#id}-at`, '');
  }

  #redraw(): void {
    if (this.#chart && this.#content) this.#draw(this.#content);
  }

  #draw(content: ChartContent): void {
    this.#chart?.destroy();
    const styles = getComputedStyle(document.documentElement);
    const colour = (name: string) => styles.getPropertyValue(name).trim();
    this.#chart = new window.uPlot(
      {
        width: this.#box.clientWidth,
        height: heightPx,
        cursor: { drag: { x: false, y: false } },
        legend: { show: false },
        hooks: {
          setCursor: [(chart) => this.#tell(chart.cursor.idx)],
          draw: [(chart) => this.#drawMark(chart, colour('--text'))],
        },
        scales: {
          x: { range: (_chart, first, last) => this.#rangeOf(first, last) },
          y: { range: rangeOfValues(content) },
        },
        axes: axesOf(colour, content),
        series: [{}, ...content.lines.map((_line, index) => seriesOf(index, content, colour))],
      },
      dataOf(content),
      this.#box,
    );
  }

  #drawMark(chart: UPlot, colour: string): void {
    const mark = this.#content?.mark;
    if (mark) drawMark(chart, mark, colour);
  }

  /** The range of the time axis. It has half a bucket more at both ends, because otherwise half of the outer bars would be cut off. */
  #rangeOf(first: number, last: number): [number, number] {
    const margin = (this.#content?.bucketSeconds ?? 60) / 2;
    const [from, to] = this.#content?.range ?? [first - margin, last + margin];
    return [from, to];
  }

  /** Shows in words the values under the pointer. */
  #tell(index: number | null | undefined): void {
    const at = this.#content?.times[index ?? -1];
    const told = this.#content?.lines.flatMap(({ values, tell }) => {
      const value = values[index ?? -1];
      return value === null || value === undefined ? [] : [tell(value)];
    });
    const isTold = at !== undefined && told !== undefined && told.length > 0;
    setText(`${this.#id}-at`, isTold ? `From ${formatTime(at * 1000)}: ${told.join(', ')}` : '');
  }
}

/** The mark in words, for readers who do not see it. */
function describeMark({ mark, times, range, bucketSeconds }: ChartContent): string {
  if (!mark) return '';
  const [from = 0, to = 0] = range ?? [times[0], (times.at(-1) ?? 0) + bucketSeconds];
  const isInside = mark.atMs >= from * 1000 && mark.atMs < to * 1000;
  const where = isInside ? '' : ', which is not in the time of the chart';
  return ` Marked: ${markLabel(mark)}, ${formatTime(mark.atMs)}${where}.`;
}

const dataOf = ({ times, lines }: ChartContent): UPlot.AlignedData => [
  [...times],
  ...lines.map(({ values }) => [...values]),
];

/** The range of the value axis. For counts it begins at zero; for other values it only spans the values. */
const rangeOfValues =
  ({ isWhole }: ChartContent): UPlot.Range.Function =>
  (_chart, least, most) => {
    if (isWhole) return [0, Math.max(1, most * 1.1)];
    const margin = (most - least) * 0.1 || Math.abs(most) * 0.01 || 1;
    return [least - margin, most + margin];
  };

function seriesOf(index: number, { isBars }: ChartContent, colour: (name: string) => string): UPlot.Series {
  if (isBars) {
    const paths = window.uPlot.paths.bars?.({ size: [0.7, 40] });
    const accent = colour('--accent');
    return { stroke: accent, fill: accent, width: 0, ...(paths ? { paths } : {}), points: { show: false } };
  }
  return {
    stroke: colour(`--line-${index + 1}`),
    width: 2,
    dash: dashes[index % dashes.length] ?? [],
    spanGaps: true,
    points: { show: true, size: 5 },
  };
}
