import type { Health } from './api.js';
import { byId, setText } from './elements.js';
import type { Tab } from './view.js';

/** The name of the stream that each tab shows. */
const streams: Readonly<Record<Tab, string>> = { clicks: 'clickstream', assets: 'coincap' };
const titles: Readonly<Record<Tab, string>> = { clicks: 'Clicks per product', assets: 'Prices of assets' };

/**
 * Shows which tab is open, and hides that of a stream that the app does not have. Says whether the other tab has a stream.
 * @param health undefined while it is not known which streams there are
 */
export function showTabs(health: Health | undefined, open: Tab): boolean {
  const isThere = (tab: Tab) =>
    health === undefined ||
    health.error !== undefined ||
    health.streams.some(({ stream }) => stream === streams[tab]);
  setText('title', titles[open]);
  if (document.title !== titles[open]) document.title = titles[open];
  for (const tab of ['clicks', 'assets'] as const) {
    const link = byId(`tab-${tab}`);
    link.hidden = tab !== open && !isThere(tab);
    if (tab === open) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  return isThere(open === 'clicks' ? 'assets' : 'clicks');
}
