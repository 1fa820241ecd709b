import { describe, expect, test } from 'vitest';
import { commandOf } from '../src/keyboard.ts';

const press = (key: string, focus = 'section', modified = false) => commandOf({ key, focus, modified, inPlayer: true });

describe('keys', () => {
  test.each([
    [' ', 'toggle-play'],
    ['k', 'toggle-play'],
    ['M', 'toggle-mute'],
    ['f', 'toggle-fullscreen'],
    ['ArrowLeft', 'back'],
    ['ArrowRight', 'forward'],
    ['ArrowUp', 'louder'],
    ['ArrowDown', 'softer'],
    ['l', 'go-live'],
    ['x', null],
    ['constructor', null],
  ])('%j asks for %s', (key, command) => {
    expect(press(key)).toBe(command);
  });

  test('a focused control keeps the keys that it needs', () => {
    expect(press(' ', 'button')).toBeNull();
    expect(press(' ', 'a')).toBeNull();
    expect(press('ArrowLeft', 'input:range')).toBeNull();
    expect(press('ArrowUp', 'input:radio')).toBeNull();
    expect(press('m', 'input:text')).toBeNull();
    expect(press('m', 'button')).toBe('toggle-mute');
    expect(press('ArrowLeft', 'button')).toBe('back');
  });

  test.each([' ', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'k', 'm', 'f', 'l'])('%j outside the player is none of its business', (key) => {
    for (const focus of ['body', 'a', 'button']) expect(commandOf({ key, focus, modified: false, inPlayer: false })).toBeNull();
  });

  test('what belongs to the browser stays there', () => {
    expect(press('f', 'section', true)).toBeNull();
  });
});
