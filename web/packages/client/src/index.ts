/** The server's contract for pages: requests, models, rooms, playback. Has no interface, no words and no framework. */

export { connect, type Api, type LessonFilter, type ListOptions, type SeriesScope } from './api.ts';
export { browserHttpPorts, Http, randomKey, withQuery, type HttpPorts, type RequestOptions } from './http.ts';
export * from './models.ts';
export { ReachWatch, type Reach } from './online.ts';
export { mainPart, partPlayed, saidIn } from './parts.ts';
export { fillsPasskeys, hasPasskeys, makePasskey, showPasskey, type PasskeyToMake, type PasskeyToShow } from './passkey.ts';
export { PlaybackKeeper, type PlaybackPorts, type PlaybackState } from './playback.ts';
export { isAbort, Problem, type FieldProblem, type ProblemCode } from './problem.ts';
export { browserRoomPorts } from './room/browser.ts';
export { RoomConnection, type RoomOptions, type RoomPhase, type RoomPorts, type RoomView, type RoomWay } from './room/connection.ts';
export { DueComments, HELD_BACK_MAX_MS } from './room/due.ts';
export { parseFrame, type Counts, type RoomEvent, type RoomLesson } from './room/events.ts';
export { EMPTY_ROOM, type OutgoingComment, type RoomComment, type RoomState } from './room/state.ts';
