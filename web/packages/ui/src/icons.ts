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
} as const satisfies Record<string, { fill?: string; line?: string }>;

export type IconName = keyof typeof PATHS;

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
const PETAL = 'M0-3.2C5.4-6.2 6.6-13.2 0-18.4-6.6-13.2-5.4-6.2 0-3.2Z';

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
