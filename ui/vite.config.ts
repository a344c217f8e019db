/** Builds the window's page: relative-free, script in files only, as the window's CSP asks. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: ['es2022', 'safari16'],
    // An inlined asset would become a data: script or font, which the CSP forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { strictPort: false },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
