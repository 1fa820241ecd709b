/** What every protocol engine can do, and what it may tell. The player knows engines by nothing else. */

import type { EngineFailure } from './session.ts';

/** Where a latency figure comes from, since not all protocols carry a clock. */
export type LatencyBasis =
  /** Capture time at the server against the server's clock: the whole way from the server's ingest to this screen. */
  | 'clock'
  /** Only what is buffered here; the real delay is this plus what lies in the network. */
  | 'buffer';

/** One look at a playing engine. `null`: the engine cannot know. */
export interface EngineReading {
  /** Capture time (server's wall clock, Unix milliseconds) of the picture at the playhead. */
  readonly captureTime: number | null;
  /** Seconds between the playhead and the newest media known of. */
  readonly behindSeconds: number | null;
  /** Seconds behind the edge at which playback wants to be. */
  readonly targetSeconds: number;
  /** Bits of media a second, measured or declared. */
  readonly bitsPerSecond: number | null;
}

/** What an engine reports by itself. */
export interface EngineListener {
  /** It gave up and must be attached afresh. Told at most once. */
  failed(failure: EngineFailure, detail: string): void;
  /** It met trouble that it is working on: a good moment to ask how the channel is. */
  troubled(detail: string): void;
}

/** One quality of a medium. */
export interface Level {
  /** Lines of the picture; 0 if it is not told. */
  readonly height: number;
  readonly bitsPerSecond: number;
}

/** One attachment of one medium to one element. */
export interface Engine {
  /** Name and version of the code that plays, for the curious. */
  readonly label: string;
  read(): EngineReading;
  /** Moves the playhead this far behind the newest media. */
  seekToEdge(behindSeconds: number): void;
  /** Qualities to choose from, the lowest first; absent where an engine cannot choose. */
  readonly levels?: () => readonly Level[];
  /** Stays with the quality at this place of {@link levels}; `null` lets the network decide. */
  readonly chooseLevel?: (at: number | null) => void;
  /** Lets go of the element and of the network. May be called once; the element is free when the promise comes true. */
  destroy(): void | Promise<void>;
}

export interface EngineRequest {
  readonly video: HTMLVideoElement;
  readonly url: string;
  /** What is live is followed at its edge; a recording starts at its beginning. */
  readonly live: boolean;
  /** The quality to begin with and to stay with; `null` lets the network decide. */
  readonly level: number | null;
  readonly listener: EngineListener;
}

/** Makes an engine, which takes the element over at once. */
export type EngineMaker = (request: EngineRequest) => Engine;

/**
 * Fetches the code of an engine, which is large, only when it is wanted. Fetching and making are apart, so that one
 * which is no longer wanted when it comes never touches the element.
 */
export type EngineLoader = () => Promise<EngineMaker>;

/** Ranges as plain numbers, so that arithmetic on them can be tested without an element. */
export type Ranges = readonly (readonly [start: number, end: number])[];

export function rangesOf(ranges: TimeRanges): Ranges {
  return Array.from({ length: ranges.length }, (_, at) => [ranges.start(at), ranges.end(at)] as const);
}

/** Gaps shorter than this are played over by every browser. */
const HOLE_SECONDS = 0.1;

/** Seconds playable from `time` on. */
export function bufferedAfter(ranges: Ranges, time: number): number {
  let end = time;
  for (const [start, stop] of ranges) {
    if (start <= end + HOLE_SECONDS && stop > end) end = stop;
  }
  return end - time;
}

/** Start of the first range that lies wholly ahead of what can be played from `time` on. */
export function nextRangeStart(ranges: Ranges, time: number): number | null {
  const end = time + bufferedAfter(ranges, time);
  return ranges.find(([start]) => start > end + HOLE_SECONDS)?.[0] ?? null;
}

/** Newest media time buffered, `null` if there is none. */
export function bufferedEnd(ranges: Ranges): number | null {
  return ranges.at(-1)?.[1] ?? null;
}
