/**
 * Tells the worker of an app which files it keeps: `node scripts/precache.mjs apps/mymentor/dist`.
 *
 * Kept ahead is what the app needs to open: its own scripts, styles and font. Player engines are large and come when they
 * are wanted.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MARK = '__SHELL__';
/** Files of the shell, by what the build calls them; engines of the player are not among them. */
const KEPT = /^(index|preload-helper|hooks|lesson|live|recording|stage|tools|operators|rolldown-runtime)-.*\.(js|css)$|\.woff2$/;

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node precache.mjs FOLDER');

const assets = (await readdir(join(folder, 'assets'))).filter((name) => KEPT.test(name)).toSorted();
const page = await readFile(join(folder, 'index.html'));
// Everything else is named by its hash: the page names the files, and its content is the version.
const version = createHash('sha256').update(page).update(assets.join(' ')).digest('hex').slice(0, 12);
const worker = await readFile(join(folder, 'sw.js'), 'utf8');
const places = worker.split(MARK).length - 1;
if (places !== 1) throw new Error(`sw.js has ${places} places for the list of files`);
if (/\bimport\b\s*["'{]/.test(worker)) throw new Error('sw.js imports another file: it must stand alone');
await writeFile(join(folder, 'sw.js'), worker.replace(MARK, [version, ...assets.map((name) => `assets/${name}`)].join(' ')));
