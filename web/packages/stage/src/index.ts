/** The stage: a player's picture with its controls, keys and full screen, without a framework. What is said in place of a picture is handed in. */

export { commandOf, focusName, type Command, type KeyPress } from './keyboard.ts';
export { listenToKeys, obey } from './obey.ts';
export type { Part, StageContext, StageView, StageWords } from './part.ts';
export { stagePart, type Stage } from './stage.ts';
export { Stagecraft } from './stagecraft.ts';
