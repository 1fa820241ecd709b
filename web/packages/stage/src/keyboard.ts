/**
 * Keys of the player. They act while it has the focus and nowhere else: elsewhere arrows and space scroll the page, and a
 * letter may be a command of a voice control or a screen reader (WCAG 2.1.4). A key that a focused control needs for
 * itself stays with it.
 */

/** What a key asks for. */
export type Command = 'toggle-play' | 'toggle-mute' | 'toggle-fullscreen' | 'back' | 'forward' | 'louder' | 'softer' | 'go-live';

export interface KeyPress {
  readonly key: string;
  readonly modified: boolean;
  /** The focus is in the player, or the player fills the screen. */
  readonly inPlayer: boolean;
  /** Lower-case tag name of what has the focus, and its `type` if it is an input. */
  readonly focus: string;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  [' ', 'toggle-play'],
  ['k', 'toggle-play'],
  ['m', 'toggle-mute'],
  ['f', 'toggle-fullscreen'],
  ['arrowleft', 'back'],
  ['arrowright', 'forward'],
  ['arrowup', 'louder'],
  ['arrowdown', 'softer'],
  ['l', 'go-live'],
] as const);

/** Controls that use the space bar themselves. */
const PRESSED = ['button', 'a', 'summary', 'input:radio'];
/** Controls that use the arrows themselves. */
const MOVED = ['input:range', 'input:radio', 'select'];
const TYPED = ['input:text', 'textarea'];

export function commandOf(press: KeyPress): Command | null {
  if (!press.inPlayer || press.modified || TYPED.includes(press.focus)) return null;
  const key = press.key.toLowerCase();
  if (key === ' ' && PRESSED.includes(press.focus)) return null;
  if (key.startsWith('arrow') && MOVED.includes(press.focus)) return null;
  return COMMANDS.get(key) ?? null;
}

/** What has the focus, in the words of {@link KeyPress}. */
export function focusName(element: Element | null): string {
  const tag = element?.tagName.toLowerCase() ?? '';
  return element instanceof HTMLInputElement ? `${tag}:${element.type}` : tag;
}
