/** Puts a viewing into the page, and takes it out with it. */

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { kawung } from '@tayang/ui';
import type { Viewing } from './viewing.ts';
import { useWords } from '../words.ts';

export function StageMount({ viewing, children }: { viewing: Viewing | null; children?: ComponentChildren }) {
  const ground = useRef<HTMLDivElement>(null);
  const words = useWords();
  useLayoutEffect(() => {
    if (viewing !== null) ground.current?.append(viewing.element);
  }, [viewing]);
  useEffect(() => viewing?.redraw(), [viewing, words]);
  return (
    <div class="stage-ground">
      <div class="stage-place" ref={ground} />
      {children}
    </div>
  );
}

/** The cloth behind the words. */
function adorn(field: HTMLElement | null): void {
  if (field !== null && field.childElementCount === 0) field.append(kawung());
}

/** The empty stage of a page that is about to have one. */
export function StageWaiting({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <div class="stage stage-waiting" data-phase="waiting">
      <div class="scene">
        <div class="scene-field" aria-hidden="true" ref={adorn} />
        <div class="scene-words">
          <span class="scene-lamp" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          <p class="scene-title">{title}</p>
          {children}
          <p class="scene-text">{text}</p>
        </div>
      </div>
    </div>
  );
}
