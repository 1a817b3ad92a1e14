// Bundles src/ into out/ and writes the lists of what went in. Called by bundle.sh in a folder with node_modules.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

// The policy of the page allows no inline styles: what writes them is changed here, and each change must find its place.
const changes = [
  { // the search dialog's width and colour; src/explorer.css gives the width
    filter: /codemirror\/addon\/search\/jump-to-line\.js$/,
    apply: text => replaced(text, / style="[^"]*"/g, '', 2),
  },
  { // 34 embedded font files (200 kB); the policy allows fonts from the same origin only
    filter: /graphiql\/dist\/style\.css$/,
    loader: 'css',
    apply: text => replaced(text, /@font-face\s*\{[^}]*\}/g, '', 34),
  },
];

function replaced(text, pattern, by, times) {
  const found = text.match(pattern)?.length ?? 0;
  if (found !== times) throw new Error(`${pattern} found ${found} times, expected ${times}`);
  return text.replace(pattern, by);
}

const strictPolicy = {
  name: 'strict-policy',
  setup(b) {
    for (const { filter, loader = 'js', apply } of changes) {
      b.onLoad({ filter }, ({ path }) => ({ contents: apply(readFileSync(path, 'utf8')), loader }));
    }
  },
};

const { metafile } = await build({
  entryPoints: { explorer: 'src/main.jsx' },
  outdir: 'out',
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  alias: { 'react-remove-scroll': './src/remove-scroll.jsx' },
  plugins: [strictPolicy],
  legalComments: 'none',
  metafile: true,
  logLevel: 'info',
});

const names = new Set();
for (const output of Object.values(metafile.outputs)) {
  for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
    const inside = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (path.includes('node_modules/') && bytesInOutput > 0) {
      names.add(path.slice(0, path.length - inside.length) + inside.split('/').slice(0, inside.startsWith('@') ? 2 : 1).join('/'));
    }
  }
}

// Packages that come without a licence file: their copyright lines, as in their repositories or package.json.
const holders = {
  '@headlessui/react': 'Copyright (c) 2020 Tailwind Labs',
  'react-compiler-runtime': 'Copyright (c) Meta Platforms, Inc. and affiliates.',
  'toggle-selection': 'Copyright (c) 2017 sudodoki <smd.deluzion@gmail.com>',
};

const read = path => readFileSync(path, 'utf8');
const mit = read('node_modules/react/LICENSE').replace(/^[^]*(?=Permission is hereby granted)/, '');

const packages = [...names].map(folder => {
  const { name, version, license } = JSON.parse(read(`${folder}/package.json`));
  const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
  if (!file && !(license === 'MIT' && holders[name])) throw new Error(`${name} has no licence text`);
  const text = file ? read(`${folder}/${file}`) : `MIT License\n\n${holders[name]}\n\n${mit}`;
  return { name, version, license, text: text.replace(/\r\n/g, '\n').replace(/[ \t]+$/gm, '').trim() };
}).sort((a, b) => (a.name < b.name ? -1 : 1));

const { devDependencies } = JSON.parse(read('package.json'));
writeFileSync('out/VERSIONS.md', `# What is bundled in dist/explorer.js and dist/explorer.css

Made by \`bundle.sh\` with esbuild ${devDependencies.esbuild} from the exact versions in \`package-lock.json\`, whose
\`integrity\` lines are the checksums of the packages. Licence texts: \`dist/LICENSES.txt\`.

| package | version | licence |
|---|---|---|
${packages.map(p => `| ${p.name} | ${p.version} | ${p.license} |`).join('\n')}
`);

const texts = packages.reduce((m, p) => m.set(p.text, [...(m.get(p.text) ?? []), p]), new Map());
writeFileSync('out/LICENSES.txt', 'The explorer (explorer.js, explorer.css) contains these packages under these licences.\n' +
  [...texts].map(([text, of]) => `\n${'='.repeat(78)}\n${of.map(p => `${p.name} ${p.version}`).join('\n')}\n${'-'.repeat(78)}\n${text}\n`).join(''));
