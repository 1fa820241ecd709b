/** Strict types of every package and app, one after the other: `node scripts/types.mjs`. All are looked at; one that fails fails it. */

import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

for (const parent of ['packages', 'apps']) {
  for (const name of await readdir(`${ROOT}/${parent}`)) {
    // A worker lives in another world than its page and has types of its own.
    const configs = (await readdir(`${ROOT}/${parent}/${name}`)).filter((file) => /^tsconfig(\.\w+)?\.json$/.test(file));
    for (const config of configs) {
      const { status } = spawnSync('npx', ['tsc', '-p', `${parent}/${name}/${config}`], { cwd: ROOT, stdio: 'inherit' });
      if (status !== 0) process.exitCode = 1;
    }
  }
}
