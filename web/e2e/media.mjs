/** Real media without the real server: ffmpeg makes a test picture with a tone, as HLS, DASH, FLV and a recording. */

import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const SIZE = '640x360';
const RATE = 25;
/** Between two looks at what ffmpeg has written, and how many there are: half a minute. */
const LISTED_EVERY_MS = 50;
const LISTED_TRIES = 600;
const SOURCE = [
  '-f', 'lavfi', '-i', `testsrc2=size=${SIZE}:rate=${RATE}`,
  '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
];
const CODECS = [
  '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', String(RATE), '-b:v', '600k',
  '-c:a', 'aac', '-b:a', '96k', '-ar', '48000', '-ac', '2',
];

function ffmpeg(args, stdout = 'ignore') {
  return spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args], { stdio: ['ignore', stdout, 'inherit'] });
}

/** Live HLS (with the wall clock) and DASH into `folder`, until the returned process is ended. */
export async function liveMedia(folder) {
  await mkdir(folder, { recursive: true });
  const hls = [
    'f=hls', 'hls_time=1', 'hls_list_size=8', 'hls_flags=delete_segments+program_date_time+independent_segments',
    'master_pl_name=master.m3u8', `hls_segment_filename=${join(folder, 'hls%d.ts')}`,
  ].join(':');
  const dash = ['f=dash', 'seg_duration=1', 'window_size=8', 'use_template=1', 'use_timeline=1'].join(':');
  const outputs = `[${hls}]${join(folder, 'live.m3u8')}|[${dash}]${join(folder, 'manifest.mpd')}`;
  return ffmpeg(['-re', ...SOURCE, ...CODECS, '-map', '0:v', '-map', '1:a', '-flags', '+global_header', '-f', 'tee', outputs]);
}

/** Resolves once the live media in `folder` lists so many segments, by HLS and by DASH: what a player needs to begin. */
export async function listed(folder, segments) {
  const count = async (name, mark) => ((await readFile(join(folder, name), 'utf8').catch(() => '')).match(mark) ?? []).length;
  const enough = async () => (await count('live.m3u8', /#EXTINF/g)) >= segments && (await count('manifest.mpd', /<S /g)) >= 1;
  for (let tries = 0; !(await enough()); tries += 1) {
    if (tries === LISTED_TRIES) throw new Error(`${folder} does not list ${segments} segments`);
    await setTimeout(LISTED_EVERY_MS);
  }
}

/** A recording of some seconds: VOD playlist and MP4. */
export async function recordedMedia(folder, seconds) {
  await mkdir(folder, { recursive: true });
  const hls = ['f=hls', 'hls_time=2', 'hls_playlist_type=vod', 'hls_segment_type=fmp4', 'master_pl_name=master.m3u8'].join(':');
  const outputs = `[${hls}]${join(folder, 'video.m3u8')}|[f=mp4:movflags=+faststart]${join(folder, 'recording.mp4')}`;
  const made = ffmpeg([...SOURCE, '-t', String(seconds), ...CODECS, '-map', '0:v', '-map', '1:a', '-flags', '+global_header', '-f', 'tee', outputs]);
  await new Promise((resolve, reject) => {
    made.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with ${code}`))));
  });
}

/** One endless FLV, as one viewer gets it. */
export function flvStream() {
  return ffmpeg(['-re', ...SOURCE, ...CODECS, '-flvflags', 'no_duration_filesize', '-f', 'flv', 'pipe:1'], 'pipe');
}
