import { byId, element } from './elements.js';

/** A row of a table: what it is about, its header cell, and its other cells. */
export interface Row {
  /** Tells this row from the others of its table. */
  readonly key: string;
  readonly header: HTMLElement;
  readonly cells: readonly HTMLElement[];
  /** True or false if the row can be chosen; otherwise undefined. */
  readonly isChosen?: boolean;
}

/** A header of a row. With `onClick` it is a button. */
export function headerCell(content: readonly (HTMLElement | string)[], onClick?: () => void): HTMLElement {
  const cell = element('th');
  cell.setAttribute('scope', 'row');
  if (!onClick) {
    cell.append(...content);
    return cell;
  }
  const button = element('button', '', 'choice');
  button.setAttribute('type', 'button');
  button.append(...content);
  button.addEventListener('click', onClick);
  cell.append(button);
  return cell;
}

/**
 * Shows these rows in the body of a table. A row that stays keeps its header, so that a click or the focus on it is not lost when numbers
 * change.
 */
export function fillRows(id: string, rows: readonly Row[], columns: number, none: string): void {
  const body = byId(id);
  const focused = document.activeElement;
  const known = new Map([...body.children].map((row) => [row.getAttribute('data-key'), row]));
  const shown = rows.map(({ key, header, cells, isChosen }) => {
    const before = known.get(key);
    const row = before ?? element('tr');
    row.setAttribute('data-key', key);
    const kept = before?.firstElementChild;
    const isSame = kept?.textContent === header.textContent;
    row.replaceChildren(isSame && kept ? kept : header, ...cells);
    if (isChosen !== undefined) row.querySelector('button')?.setAttribute('aria-pressed', String(isChosen));
    return row;
  });
  if (shown.length === 0) {
    const cell = element('td', none, 'none');
    cell.setAttribute('colspan', String(columns));
    const row = element('tr');
    row.append(cell);
    shown.push(row);
  }
  body.replaceChildren(...shown);
  if (focused instanceof HTMLElement && document.activeElement !== focused && body.contains(focused))
    focused.focus({ preventScroll: true });
}
