/** What every Tayang page shares: elements, icons, language, and the look in `base.css`. */

export { h, s, setAttributes, setHidden, setText } from './element.ts';
export { icon, iconPaths, kawung, mark, PETAL, type IconName } from './icons.ts';
export { browserMemory, clockText, LANGUAGES, pickLanguage, tabMemory, Writer, type Language, type Memory } from './locale.ts';
