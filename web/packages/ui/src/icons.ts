/** Icons drawn for Tayang: 24 units, 1.75 strokes with round ends, and solid shapes where a finger aims. */

import { s } from './element.ts';

const PATHS = {
  play: { fill: 'M7.5 4.9c0-1 1.1-1.7 2-1.1l10 7.1c.8.5.8 1.7 0 2.2l-10 7.1c-.9.6-2 0-2-1.1V4.9Z' },
  pause: { fill: 'M6.5 4h3A1.5 1.5 0 0 1 11 5.5v13A1.5 1.5 0 0 1 9.5 20h-3A1.5 1.5 0 0 1 5 18.5v-13A1.5 1.5 0 0 1 6.5 4Zm8 0h3A1.5 1.5 0 0 1 19 5.5v13a1.5 1.5 0 0 1-1.5 1.5h-3a1.5 1.5 0 0 1-1.5-1.5v-13A1.5 1.5 0 0 1 14.5 4Z' },
  sound: { fill: 'M12 4.6v14.8c0 .8-.9 1.2-1.5.7L6.3 16.5H4a1.5 1.5 0 0 1-1.5-1.5V9A1.5 1.5 0 0 1 4 7.5h2.3l4.2-3.6c.6-.5 1.5-.1 1.5.7Z', line: 'M15.5 9a4.3 4.3 0 0 1 0 6M18.3 6.2a8.2 8.2 0 0 1 0 11.6' },
  silent: { fill: 'M12 4.6v14.8c0 .8-.9 1.2-1.5.7L6.3 16.5H4a1.5 1.5 0 0 1-1.5-1.5V9A1.5 1.5 0 0 1 4 7.5h2.3l4.2-3.6c.6-.5 1.5-.1 1.5.7Z', line: 'm16 9.5 5 5m0-5-5 5' },
  full: { line: 'M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9m6 0h3.5A1.5 1.5 0 0 1 20 5.5V9m0 6v3.5a1.5 1.5 0 0 1-1.5 1.5H15m-6 0H5.5A1.5 1.5 0 0 1 4 18.5V15' },
  small: { line: 'M9 4v3.5A1.5 1.5 0 0 1 7.5 9H4m16 0h-3.5A1.5 1.5 0 0 1 15 7.5V4m0 16v-3.5a1.5 1.5 0 0 1 1.5-1.5H20M4 15h3.5A1.5 1.5 0 0 1 9 16.5V20' },
  pip: { line: 'M21 11V6.5A1.5 1.5 0 0 0 19.5 5h-15A1.5 1.5 0 0 0 3 6.5v11A1.5 1.5 0 0 0 4.5 19H10', fill: 'M14.5 13h6a1.5 1.5 0 0 1 1.5 1.5v4a1.5 1.5 0 0 1-1.5 1.5h-6a1.5 1.5 0 0 1-1.5-1.5v-4a1.5 1.5 0 0 1 1.5-1.5Z' },
  download: { line: 'M12 4v11m-4.5-4.2L12 15.2l4.5-4.4M4.5 19.5h15' },
  back: { line: 'M10.5 6 4.5 12l6 6M5 12h14.5' },
  sun: { line: 'M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM12 2v2m0 16v2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4M2 12h2m16 0h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4' },
  moon: { line: 'M20 14.3A8.3 8.3 0 0 1 9.7 4a8.3 8.3 0 1 0 10.3 10.3Z' },
  home: { line: 'M4 11.2 12 4l8 7.2V19a1.2 1.2 0 0 1-1.2 1.2h-3.6v-5.4h-6.4v5.4H5.2A1.2 1.2 0 0 1 4 19v-7.8Z' },
  lessons: { line: 'M4.5 6.5A1.5 1.5 0 0 1 6 5h12a1.5 1.5 0 0 1 1.5 1.5v12A1.5 1.5 0 0 1 18 20H6a1.5 1.5 0 0 1-1.5-1.5v-12ZM4.5 10h15M8.5 3v4m7-4v4' },
  people: { line: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.8 20c.3-3.4 2.8-5.5 6.2-5.5s5.9 2.1 6.2 5.5M15.5 4.8a3.3 3.3 0 0 1 0 6.4M17.7 14.8c2 .7 3.3 2.6 3.5 5.2' },
  course: { line: 'M12 6.5C10.2 5.2 7.8 4.7 4.5 4.7v13.6c3.3 0 5.7.5 7.5 1.8 1.8-1.3 4.2-1.8 7.5-1.8V4.7c-3.3 0-5.7.5-7.5 1.8Zm0 0v13.6' },
  bell: { line: 'M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 1.7H5l1.5-1.7ZM10 20.8a2.2 2.2 0 0 0 4 0M12 3.5v2' },
  settings: { line: 'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 9.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM8.5 19.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z' },
  person: { line: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.4-3.8 3.4-6 7.5-6s7.1 2.2 7.5 6' },
  hand: { line: 'M7.5 12.5V6.7a1.5 1.5 0 0 1 3 0v4.6m0-.3V4.8a1.5 1.5 0 0 1 3 0V11m0-4.7a1.5 1.5 0 0 1 3 0v5.5m0-2.3a1.5 1.5 0 0 1 3 0v5c0 3.7-2.7 6.3-6.2 6.3-2.7 0-4.3-1-5.8-3.3l-3-4.6c-.6-1 .8-2.2 1.8-1.3l1.7 1.7' },
  send: { line: 'M4.5 12 20 4.5 14.8 20l-3-6.3L4.5 12Zm7.3 1.7L20 4.5' },
  check: { line: 'm5 12.5 4.5 4.5L19 7.5' },
  close: { line: 'm6 6 12 12M18 6 6 18' },
  plus: { line: 'M12 5v14M5 12h14' },
  clock: { line: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7.5V12l3.2 2' },
  warning: { line: 'M12 4.2 21 19.5H3L12 4.2Zm0 6v4.3m0 2.5v.1' },
  'no-network': { line: 'M3.5 9.5a12.5 12.5 0 0 1 4.3-2.6m4.2-.8c3.2 0 6.2 1.2 8.5 3.4M7 13.3a7.5 7.5 0 0 1 3-1.7m4 .1c1.1.3 2.2.9 3 1.6M12 18.3v.1M4 4l16 16' },
  forward: { line: 'm9.5 5.5 6.5 6.5-6.5 6.5' },
  search: { line: 'M11 17.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L20.5 20.5' },
  edit: { line: 'M4.5 19.5h4L19 9l-4-4L4.5 15.5v4ZM12.5 7.5l4 4' },
  trash: { line: 'M4.5 7h15M9.5 7V4.5h5V7m-8 0 .9 12.5h9.2L17.5 7M10.5 10.5v5.5m3-5.5v5.5' },
  copy: { line: 'M9 9h9.5a1 1 0 0 1 1 1v9.5a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM5.5 15.5h-1a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1' },
  link: { line: 'M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1' },
  key: { line: 'M8 20a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm2.9-6.9L19 5m-4.5 4.5 3 3M17 7l2.5 2.5' },
  leave: { line: 'M14 8V5.5A1.5 1.5 0 0 0 12.5 4h-7A1.5 1.5 0 0 0 4 5.5v13A1.5 1.5 0 0 0 5.5 20h7a1.5 1.5 0 0 0 1.5-1.5V16m-5-4h11.5M17 8.5l3.5 3.5-3.5 3.5' },
  device: { line: 'M8 3.5h8A1.5 1.5 0 0 1 17.5 5v14a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 19V5A1.5 1.5 0 0 1 8 3.5ZM11 17.5h2' },
  camera: { line: 'M4.5 6.5h8A1.5 1.5 0 0 1 14 8v8a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5ZM14 10.5l7-3v9l-7-3' },
  microphone: { line: 'M12 14.5a3 3 0 0 0 3-3V6.5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3ZM6 11.5a6 6 0 0 0 12 0M12 17.5v3m-3 0h6' },
  screen: { line: 'M4.5 5h15A1.5 1.5 0 0 1 21 6.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15.5v-9A1.5 1.5 0 0 1 4.5 5ZM8.5 20.5h7M12 17v3.5' },
  pin: { line: 'M9 4.5h6l-.8 5.7 3.3 3.3v1.5h-11v-1.5l3.3-3.3L9 4.5ZM12 15v5.5' },
  menu: { line: 'M4 7h16M4 12h16M4 17h16' },
  more: { line: 'M5.5 12h.1m6.3 0h.1m6.4 0h.1' },
  eye: { line: 'M2.5 12C4.5 8 8 5.8 12 5.8S19.5 8 21.5 12c-2 4-5.5 6.2-9.5 6.2S4.5 16 2.5 12Zm9.5 2.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z' },
  'eye-off': { line: 'M4 4l16 16M9.9 6a10 10 0 0 1 2.1-.2c4 0 7.5 2.2 9.5 6.2a13 13 0 0 1-2.7 3.5M6.3 8A13 13 0 0 0 2.5 12c2 4 5.5 6.2 9.5 6.2 1.5 0 2.9-.3 4.1-.9M10 10a2.8 2.8 0 0 0 4 4' },
  comment: { line: 'M5.5 5h13A1.5 1.5 0 0 1 20 6.5v8a1.5 1.5 0 0 1-1.5 1.5H12l-4.5 4v-4h-2A1.5 1.5 0 0 1 4 14.5v-8A1.5 1.5 0 0 1 5.5 5Z' },
  chapters: { line: 'M4.5 6.5h.1m0 5.5h.1m-.1 5.5h.1M8.5 6.5h11m-11 5.5h11m-11 5.5h11' },
} as const satisfies Record<string, { fill?: string; line?: string }>;

export type IconName = keyof typeof PATHS;

/** What an icon is drawn from, for those who draw it with a framework. */
export function iconPaths(name: IconName): { readonly fill?: string; readonly line?: string } {
  return PATHS[name];
}

/** An icon; it says nothing to screen readers, whose text belongs to the button around it. */
export function icon(name: IconName): SVGSVGElement {
  const paths: { readonly fill?: string; readonly line?: string } = PATHS[name];
  return s(
    'svg',
    { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' },
    paths.fill === undefined ? null : s('path', { d: paths.fill, fill: 'currentColor' }),
    paths.line === undefined
      ? null
      : s('path', {
          d: paths.line,
          fill: 'none',
          stroke: 'currentColor',
          'stroke-width': 1.75,
          'stroke-linecap': 'round',
          'stroke-linejoin': 'round',
        }),
  );
}

/** One petal of kawung, the palm-fruit pattern of Javanese batik, pointing up from the middle. */
export const PETAL = 'M0-3.2C5.4-6.2 6.6-13.2 0-18.4-6.6-13.2-5.4-6.2 0-3.2Z';

/** The mark: a kawung flower turned by an eighth, its heart the lamp that says *on air*. */
export function mark(): SVGSVGElement {
  const petals = [45, 135, 225, 315].map((turn) => s('path', { d: PETAL, transform: `rotate(${turn})` }));
  return s(
    'svg',
    { viewBox: '-20 -20 40 40', class: 'mark', 'aria-hidden': 'true', focusable: 'false' },
    s('g', { class: 'mark-petals' }, ...petals),
    s('circle', { r: 5.2, class: 'mark-lamp' }),
  );
}

/** Side of one kawung tile: petals of four neighbours meet in its corners, as on the cloth. */
const TILE = 28;

/** A field of kawung, for empty stages. Purely ornamental. */
export function kawung(): SVGSVGElement {
  const middle = TILE / 2;
  const petals = [45, 135, 225, 315].map((turn) => s('path', { d: PETAL, transform: `translate(${middle} ${middle}) rotate(${turn})` }));
  const dots = [[0, middle], [TILE, middle], [middle, 0], [middle, TILE]].map(([cx, cy]) => s('circle', { cx: cx ?? 0, cy: cy ?? 0, r: 0.9 }));
  const pattern = { id: 'kawung', width: TILE, height: TILE, patternUnits: 'userSpaceOnUse', patternTransform: 'scale(1.7)' };
  return s(
    'svg',
    { class: 'kawung', 'aria-hidden': 'true', focusable: 'false', width: '100%', height: '100%' },
    s('defs', {}, s('pattern', pattern, ...petals, ...dots)),
    s('rect', { width: '100%', height: '100%', fill: 'url(#kawung)' }),
  );
}
