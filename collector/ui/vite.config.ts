import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Fragments are made element by element: nothing in the page is ever parsed from a string,
  // so the page lives under `require-trusted-types-for 'script'` with no policy at all.
  plugins: [svelte({ compilerOptions: { fragments: 'tree', runes: true } })],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:4173' } },
  test: { include: ['src/**/*.test.ts'] },
})
