import { defineConfig } from 'vite'

/**
 * The program as it is run: few files instead of the nine hundred of its modules and packages, which took a quarter of a start to find and read.
 * The modules themselves, one by one, are beside it in dist/ (docs/decisions/0049).
 */
export default defineConfig({
  ssr: {
    noExternal: true,
    // With native parts, threads of their own or an `eval` for `require`: they find themselves only where they lie.
    external: ['lmdb', 'msgpackr', '@duckdb/node-api', 'pino', 'pino-pretty', 'ws', 'hdr-histogram-js'],
  },
  build: {
    ssr: true,
    outDir: 'dist/bin',
    emptyOutDir: true,
    copyPublicDir: false,
    target: 'node20',
    minify: false,
    sourcemap: true,
    license: { fileName: 'licences.md' },
    rollupOptions: {
      input: {
        tidemark: 'cli/main.ts',
        'data-thread': 'threads/data-thread.ts',
        'rules-thread': 'threads/rules-thread.ts',
        'backtest-thread': 'threads/backtest-thread.ts',
      },
      // In one folder: what a module looks for beside itself is one level above.
      output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
})
