// Bundles board.jsx with Grafana's components: node build.mjs NODE_MODULES OUTPUT_FOLDER
import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, output] = process.argv.slice(2);
const { build } = createRequire(join(modules, 'index.js'))('esbuild');

await build({
  entryPoints: [join(import.meta.dirname, 'board.jsx'), join(import.meta.dirname, 'fonts.css')],
  outdir: output,
  bundle: true,
  format: 'iife',
  platform: 'browser',
  jsx: 'transform',
  keepNames: true,
  nodePaths: [modules],
  mainFields: ['browser', 'module', 'main'],
  external: ['stream'],
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.svg': 'dataurl', '.woff': 'empty', '.woff2': 'dataurl', '.ttf': 'empty', '.png': 'dataurl' },
  logLevel: 'error',
});
copyFileSync(join(modules, 'uplot', 'dist', 'uPlot.min.css'), join(output, 'uPlot.min.css'));
