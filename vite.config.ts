import { defineConfig } from 'vite'

/** The dashboard alone: static files of dashboard/ into dist/dashboard, which http/routes/dashboard.ts serves. */
export default defineConfig({
  root: 'dashboard',
  // Relative addresses: the page also works behind a proxy that puts it under a path.
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline: the content security policy would refuse it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    license: { fileName: 'licences.md' },
  },
})
