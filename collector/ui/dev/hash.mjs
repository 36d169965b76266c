// The hash of what dist was built from. `--check` tells whether dist belongs to the sources.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const roots = ['index.html', 'package.json', 'package-lock.json', 'vite.config.ts', 'svelte.config.js', 'tsconfig.json', 'src', 'public']

function files(path) {
  let entries
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true })
  } catch {
    return [path]
  }
  return entries.flatMap((e) => files(join(path, e.name)))
}

const hash = createHash('sha256')
for (const path of roots.flatMap(files).filter((p) => !p.endsWith('.test.ts')).sort()) {
  hash.update(path).update('\0').update(readFileSync(join(root, path))).update('\0')
}
const found = hash.digest('hex')
const at = join(root, 'dist/sources.sha256')

if (process.argv.includes('--check')) {
  const kept = readFileSync(at, 'utf8').trim()
  if (kept !== found) {
    console.error(`dist was built from other sources: it holds ${kept}, the sources give ${found}; run npm run build`)
    process.exit(1)
  }
  console.log('dist belongs to the sources')
} else {
  writeFileSync(at, found + '\n')
}
