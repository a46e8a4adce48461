import { type Random, seededRandom } from '../../src/lib/sources/seededRandom';
import data from './assets.json';

/** An asset as the API's version 3 writes it: numbers are text, and unknown values are null. */
export interface AssetV3 {
  readonly id: string;
  readonly rank: string;
  readonly symbol: string;
  readonly name: string;
  readonly supply: string;
  readonly maxSupply: string | null;
  readonly marketCapUsd: string;
  readonly volumeUsd24Hr: string;
  readonly priceUsd: string;
  readonly changePercent24Hr: string | null;
  readonly vwap24Hr: string;
  readonly explorer: string | null;
  readonly tokens: Readonly<Record<string, readonly string[]>>;
}

interface Quote {
  readonly listing: Listing;
  readonly yesterdayUsd: number;
  priceUsd: number;
  vwapUsd: number;
}

type Listing = ReturnType<typeof readListings>[number];

const daySeconds = 86_400;
/** The volatility per second, so that prices move by about 5% a day. */
const volatility = 0.05 / Math.sqrt(daySeconds);

/**
 * A hundred assets whose prices walk at random, by the square root of the time since the last call. The same seed and the same
 * calls give the same prices. The returned function gives the assets at a time in milliseconds, ordered by market value.
 */
export function openMarket(seed: number, startMs: number): (nowMs: number) => AssetV3[] {
  const random = seededRandom(seed);
  const quotes = readListings().map((listing): Quote => {
    const yesterdayUsd = listing.priceUsd / (1 + (listing.changePercent ?? 0) / 100);
    const vwapUsd = (yesterdayUsd + listing.priceUsd) / 2;
    return { listing, yesterdayUsd, priceUsd: listing.priceUsd, vwapUsd };
  });
  let lastMs = startMs;
  return (nowMs) => {
    const seconds = Math.min(Math.max(0, nowMs - lastMs) / 1000, daySeconds);
    lastMs = Math.max(lastMs, nowMs);
    for (const quote of quotes) {
      quote.priceUsd *= Math.exp(volatility * Math.sqrt(seconds) * drawNormal(random));
      quote.vwapUsd += ((quote.priceUsd - quote.vwapUsd) * seconds) / daySeconds;
    }
    return quotes.toSorted((a, b) => marketValue(b) - marketValue(a)).map(formatQuote);
  };
}

const marketValue = ({ priceUsd, listing }: Quote): number => priceUsd * listing.supply;

/** A quote in the form of the API, which prints some of its numbers with 18 decimals, and others as JavaScript prints them. */
function formatQuote(quote: Quote, index: number): AssetV3 {
  const { listing, priceUsd, vwapUsd, yesterdayUsd } = quote;
  return {
    id: listing.id,
    rank: String(index + 1),
    symbol: listing.symbol,
    name: listing.name,
    supply: listing.supply.toFixed(18),
    maxSupply: listing.maxSupply === null ? null : listing.maxSupply.toFixed(18),
    marketCapUsd: marketValue(quote).toFixed(18),
    volumeUsd24Hr: listing.volumeUsd.toFixed(18),
    priceUsd: priceUsd.toFixed(18),
    changePercent24Hr: listing.changePercent === null ? null : String((priceUsd / yesterdayUsd - 1) * 100),
    vwap24Hr: String(vwapUsd),
    explorer: listing.explorer,
    tokens: listing.tokens,
  };
}

function readListings() {
  const tokensOf = new Map<string, Record<string, string[]>>(Object.entries(data.tokens));
  return data.assets.map(
    ([id, symbol, name, supply, maxSupply, priceUsd, volumeUsd, changePercent, explorer]) => ({
      id: String(id),
      symbol: String(symbol),
      name: String(name),
      supply: Number(supply),
      maxSupply: typeof maxSupply === 'number' ? maxSupply : null,
      priceUsd: Number(priceUsd),
      volumeUsd: Number(volumeUsd),
      changePercent: typeof changePercent === 'number' ? changePercent : null,
      explorer: typeof explorer === 'string' ? explorer : null,
      tokens: tokensOf.get(String(id)) ?? {},
    }),
  );
}

/** A normally distributed number with mean 0 and deviation 1, by the method of Box and Muller. */
const drawNormal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
