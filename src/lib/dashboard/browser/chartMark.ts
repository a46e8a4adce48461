import type UPlot from 'uplot';

/** A time that a reader has marked, such as the beginning of a campaign. */
export interface Mark {
  /** The time in milliseconds since 1970. It is a whole minute. */
  readonly atMs: number;
  /** What happened at that time, in the reader's words. */
  readonly label: string;
}

/** The text of a mark; a mark without words gets a default text. */
export const markLabel = ({ label }: Mark): string => (label === '' ? 'Mark' : label);

/** Draws a mark into a chart as an upright line with its label beside it; nothing if its time is not in the chart. */
export function drawMark({ ctx, bbox, scales, valToPos }: UPlot, mark: Mark, colour: string): void {
  const at = mark.atMs / 1000;
  const { min, max } = scales.x ?? {};
  if (typeof min !== 'number' || typeof max !== 'number' || at < min || at > max) return;
  const x = Math.round(valToPos(at, 'x', true));
  const unit = window.devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = 2 * unit;
  ctx.setLineDash([6 * unit, 4 * unit]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `600 ${13 * unit}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  // The label stands on the side that has more room, and is not wider than that.
  const isLeft = x - bbox.left > bbox.width / 2;
  ctx.textAlign = isLeft ? 'right' : 'left';
  const gap = 6 * unit;
  const room = (isLeft ? x - bbox.left : bbox.left + bbox.width - x) - 2 * gap;
  ctx.fillText(markLabel(mark), x + (isLeft ? -gap : gap), bbox.top + 2 * unit, room);
  ctx.restore();
}
