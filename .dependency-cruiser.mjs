/**
 * From the bottom up. A folder may import from its own layer and from those below it, never from one above.
 * `cli/` holds the commands, `cli.ts` is the program.
 */
const LAYERS = [
  { name: 'lib', paths: ['lib/'] },
  { name: 'access', paths: ['ovsdb/', 'peers/', 'runtime/'] },
  { name: 'judgement', paths: ['diagnose/', 'watch/'] },
  { name: 'remedy', paths: ['heal/', 'backup/', 'recover/'] },
  { name: 'surface', paths: ['http/', 'cli/', 'metrics/', 'config/'] },
  { name: 'agent', paths: ['agent/'] },
  { name: 'program', paths: ['main\\.ts$', 'cli\\.ts$'] },
];

const inSource = (paths) => `^src/(${paths.join('|')})`;

function importsGoDown(layer, index) {
  return {
    name: `${layer.name}-imports-nothing-above`,
    comment: `${layer.paths.join(', ')} may not import from a layer above it.`,
    severity: 'error',
    from: { path: inSource(layer.paths) },
    to: { path: inSource(LAYERS.slice(index + 1).flatMap(({ paths }) => paths)) },
  };
}

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...LAYERS.slice(0, -1).map(importsGoDown),
    rule(
      'every-folder-has-a-layer',
      'A new folder must be given its place in LAYERS.',
      {},
      { path: '^src/', pathNot: inSource(LAYERS.flatMap(({ paths }) => paths)) },
    ),
    rule(
      'prom-client-only-in-metrics',
      'The package will change its name; one folder knows it.',
      { path: '^src/', pathNot: '^src/metrics/' },
      { path: '(^|/)prom-client(/|$)' },
    ),
    rule(
      'config-only-for-programs',
      'What a part needs of the configuration is handed to it by the agent or by a command.',
      { path: '^src/', pathNot: '^src/(config/|agent/|cli/|cli\\.ts$|main\\.ts$)' },
      { path: '^src/config/' },
    ),
    rule(
      'no-test-code-in-source',
      'What ships does not lean on tests.',
      { path: '^src/' },
      { path: '^test/' },
    ),
    rule(
      'no-development-packages-in-source',
      'What ships runs without development packages.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    ),
    rule('no-cycles', 'Two files that import each other are one file.', {}, { circular: true }),
    rule(
      'all-imports-resolve',
      'An import that leads nowhere hides from every other rule.',
      {},
      { couldNotResolve: true },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
