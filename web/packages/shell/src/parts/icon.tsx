/** Icons, the mark and the pattern of `@tayang/ui`, drawn by Preact. They say nothing: words belong to what is around them. */

import { iconPaths, PETAL, type IconName } from '@tayang/ui';

const TURNS = [45, 135, 225, 315];

export function Icon({ name }: { name: IconName }) {
  const { fill, line } = iconPaths(name);
  return (
    <svg viewBox="0 0 24 24" class="icon" aria-hidden="true" focusable="false">
      {fill === undefined ? null : <path d={fill} fill="currentColor" />}
      {line === undefined ? null : (
        <path d={line} fill="none" stroke="currentColor" stroke-width={1.75} stroke-linecap="round" stroke-linejoin="round" />
      )}
    </svg>
  );
}

/** A kawung flower, its heart the lamp that says *on air*. */
export function Mark() {
  return (
    <svg viewBox="-20 -20 40 40" class="mark" aria-hidden="true" focusable="false">
      <g class="mark-petals">
        {TURNS.map((turn) => (
          <path key={turn} d={PETAL} transform={`rotate(${turn})`} />
        ))}
      </g>
      <circle r={5.2} class="mark-lamp" />
    </svg>
  );
}

/** One large flower behind a card that has little to say. */
export function Flower() {
  return (
    <svg viewBox="-20 -20 40 40" class="flower" aria-hidden="true" focusable="false">
      {TURNS.map((turn) => (
        <path key={turn} d={PETAL} transform={`rotate(${turn})`} fill="currentColor" />
      ))}
    </svg>
  );
}
