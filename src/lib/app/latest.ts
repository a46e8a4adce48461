import { type ApiAnswer, type ApiRequest, answerProblem, noSuchStream } from '../api/answer';
import { latestApi } from '../api/latestApi';
import { type LatestTerms, latestTerms } from '../api/latestViews';
import { describeFailure } from '../errors';
import { LatestFold } from '../latest/latest';
import { logEvent } from '../log';
import { oncePerKey } from '../once';
import { type Settings, settings } from '../settings';
import { loadStreams } from '../streams/loadStreams';
import type { Latest, Stream } from '../streams/stream';
import { appLake, type Lake } from './lake';

/** A stream whose newest rows the API tells. */
export type LatestStream = Stream & { readonly latest: Latest };

const hasLatest = (stream: Stream): stream is LatestStream => stream.latest !== undefined;

/** The streams whose newest rows the API tells. */
export const latestStreams = async (): Promise<LatestStream[]> => (await loadStreams()).filter(hasLatest);

/** The newest rows of a stream in a lake. */
export const openLatest = (
  lake: Pick<Lake, 'at'>,
  { countsRefreshMs }: Pick<Settings, 'countsRefreshMs'>,
  { name: stream, table, latest }: LatestStream,
): LatestFold =>
  new LatestFold({
    at: lake.at(table),
    latest,
    refreshMs: countsRefreshMs,
    warn: (message) => logEvent('warning', 'counts-problem', { stream, message }),
  });

/** The newest rows of this process, by stream. */
export const appLatest = oncePerKey(async (stream: LatestStream) =>
  openLatest(await appLake(), await settings(), stream),
);

const openApi = async (stream: LatestStream, terms: LatestTerms) =>
  latestApi({
    fold: await appLatest(stream),
    terms,
    logError: (error) =>
      logEvent('error', 'latest-failed', { stream: stream.name, ...describeFailure(error) }),
  });

/** The name of the stream whose rows GET /api/assets tells. */
const assetsStream = 'coincap';

const streamApi = oncePerKey((stream: LatestStream) => openApi(stream, latestTerms(stream)));
const assetsApi = oncePerKey((stream: LatestStream) =>
  openApi(stream, latestTerms(stream, { rows: 'assets', row: 'asset' })),
);

/** Answers GET /api/latest/{stream} and the paths below it. Never throws for a wrong request. */
export async function answerLatest(name: string | undefined, request: ApiRequest): Promise<ApiAnswer> {
  const streams = await latestStreams();
  const stream = streams.find((each) => each.name === name);
  if (stream) return (await streamApi(stream)).answer(request);
  return noSuchStream(name, 'whose newest rows are told', { streams, declares: 'latest' });
}

/** Answers GET /api/assets and the paths below it. Never throws for a wrong request. */
export async function answerAssets(request: ApiRequest): Promise<ApiAnswer> {
  const stream = (await latestStreams()).find(({ name }) => name === assetsStream);
  if (stream) return (await assetsApi(stream)).answer(request);
  return answerProblem(
    404,
    `This app has no assets: it has no stream ${assetsStream}, or that stream's file does not declare \`latest\`. The newest rows of other streams are at /api/latest/{stream}.`,
  );
}
