/**
 * The oldest browsers that the pages are made for: early 2023, which phones of many years still get. What is younger is
 * written by hand or asked for first (`'x' in y`); `e2e/floor.test.mjs` knows what was mistaken before.
 */
export const BROWSERS = ['chrome110', 'edge110', 'firefox115', 'safari16', 'ios16'];
