/** Builds every app into its own `dist`, tells workers what they keep, and compresses: `node scripts/build.mjs [APP…]`. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function run(...args) {
  const { status } = spawnSync(args[0], args.slice(1), { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const asked = process.argv.slice(2);
for (const app of asked.length > 0 ? asked : await readdir(`${ROOT}/apps`)) {
  run('npm', 'run', 'build', '--silent', '--workspace', `@tayang/${app}`);
  const dist = `apps/${app}/dist`;
  if (existsSync(`${ROOT}/${dist}/sw.js`)) run('node', 'scripts/precache.mjs', dist);
  run('node', 'scripts/compress.mjs', dist);
}
