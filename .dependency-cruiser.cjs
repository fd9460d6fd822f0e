// Who may import whom. The table is the architecture: an arrow that is not in it does not exist.

/** For each package, what its `src` may import besides itself. */
const arrows = {
  base: [],
  raft: ['base'],
  storage: ['base', 'raft'],
  wire: ['base'],
  node: ['base', 'raft', 'storage', 'wire'],
  client: ['base', 'wire'],
  'virtual-env': ['base'],
  'd-engine': ['base', 'raft', 'storage', 'wire', 'node', 'client'],
  simulator: ['base', 'raft', 'storage', 'wire', 'node', 'client', 'virtual-env'],
  'storage-lmdb': ['d-engine'],
  'storage-rocksdb': ['d-engine'],
};

/** Tests may also run a package's code in the virtual environment, and in real processes. */
const testsOnly = ['virtual-env'];

/** A package's public face: its index, and for the product each file that npm users can name. */
const publicFaces = [
  '^packages/[^/]+/src/index\\.ts$',
  '^packages/d-engine/src/(client|cli|storage|testing)\\.ts$',
  '^packages/d-engine/dist/',
];

const testFile = '(\\.test\\.ts$|^packages/[^/]+/test/)';
/** What users test with: the one part of the product that runs in the virtual environment. */
const forTesting = '^packages/d-engine/src/testing(/|\\.ts$)';
const anyOf = (names) => `^packages/(${names.join('|')})/`;

const directionRules = Object.entries(arrows).flatMap(([name, allowed]) => [
  {
    name: `direction-of-${name}`,
    comment: `packages/${name} may import: ${allowed.join(', ') || 'nothing'}`,
    severity: 'error',
    from: { path: `^packages/${name}/`, pathNot: [testFile, forTesting] },
    to: { path: '^(packages|tools|examples|benches)/', pathNot: anyOf([name, ...allowed]) },
  },
  {
    name: `direction-of-tests-of-${name}`,
    comment: `tests of packages/${name} may import: ${[...allowed, ...testsOnly].join(', ')}`,
    severity: 'error',
    from: { path: `^packages/${name}/.*${testFile}|^packages/${name}/test/` },
    to: {
      path: '^(packages|tools|examples|benches)/',
      pathNot: [
        anyOf([name, ...allowed, ...testsOnly]),
        '^tools/(test-[^/]+\\.ts$|cluster/|descriptors/)',
      ],
    },
  },
]);

module.exports = {
  forbidden: [
    ...directionRules,
    {
      name: 'direction-of-d-engine-testing',
      comment: 'what d-engine/testing is made of may also import virtual-env',
      severity: 'error',
      from: { path: forTesting },
      to: {
        path: '^(packages|tools|examples|benches)/',
        pathNot: anyOf(['d-engine', ...arrows['d-engine'], 'virtual-env']),
      },
    },
    {
      name: 'package-not-in-the-table',
      comment: 'a new package needs a line in the table of .dependency-cruiser.cjs',
      severity: 'error',
      from: {},
      to: { path: '^packages/', pathNot: anyOf(Object.keys(arrows)) },
    },
    {
      name: 'package-without-a-direction',
      comment: 'a new package needs a line in the table of .dependency-cruiser.cjs',
      severity: 'error',
      from: { path: '^packages/', pathNot: anyOf(Object.keys(arrows)) },
      to: {},
    },
    {
      name: 'only-through-the-index',
      comment: "nothing reaches past another package's index.ts",
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/',
        pathNot: ['^packages/$1/', ...publicFaces],
      },
    },
    {
      name: 'only-through-the-index-from-outside',
      comment: 'examples, benches and tools see what users see',
      severity: 'error',
      from: {
        path: '^(examples|benches|tools)/',
        pathNot: '^(tools/docs|benches/(wire|storage))/',
      },
      to: {
        path: '^packages/',
        pathNot: publicFaces,
      },
    },
    {
      name: 'only-through-the-index-from-the-docs',
      comment: 'the generated pages come from the same faces, and from those of what they tell of',
      severity: 'error',
      from: { path: '^tools/docs/' },
      to: {
        path: '^packages/',
        pathNot: [
          ...publicFaces,
          '^packages/d-engine/src/config/index\\.ts$',
          '^packages/simulator/planted/correctness-page\\.ts$',
        ],
      },
    },
    {
      name: 'only-through-the-index-from-the-bench-of-the-wire',
      comment: 'it measures the network of a node with its defaults, below what users can name',
      severity: 'error',
      from: { path: '^benches/wire/' },
      to: {
        path: '^packages/',
        pathNot: [
          ...publicFaces,
          '^packages/d-engine/src/(config|env)/index\\.ts$',
          '^packages/d-engine/src/network-settings\\.ts$',
        ],
      },
    },
    {
      name: 'only-through-the-index-from-the-bench-of-the-storage',
      comment: 'it measures state and files on the real disk, below what users can name',
      severity: 'error',
      from: { path: '^benches/storage/' },
      to: {
        path: '^packages/',
        pathNot: [...publicFaces, '^packages/d-engine/src/env/index\\.ts$'],
      },
    },
    {
      name: 'examples-and-benches-use-the-product',
      comment: 'examples and benches import d-engine and the client, nothing inside them',
      severity: 'error',
      // What one call costs the wire, and one key the storage, shows only below the product.
      from: { path: '^(examples|benches)/', pathNot: '^benches/(wire|storage)/' },
      to: { path: '^packages/', pathNot: anyOf(['d-engine', 'client']) },
    },
    {
      name: 'source-imports-no-test',
      comment: 'what ships does not depend on tests',
      severity: 'error',
      from: { pathNot: [testFile, '^(tools|examples|benches)/'] },
      to: { path: testFile },
    },
    {
      name: 'no-cycles',
      comment: 'files that import each other cannot be understood one at a time',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'the import leads nowhere: a missing file, or past the exports of a package',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'ships-with-what-it-imports',
      comment: 'source that ships imports only declared dependencies',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: testFile },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: ['^packages/', '^node_modules/@types/'],
      },
    },
  ],
  options: {
    doNotFollow: { path: ['(^|/)node_modules/', '(^|/)dist/'] },
    exclude: { path: ['^\\.node', '(^|/)target/', '(^|/)testdata/', '(^|/)fixtures/'] },
    combinedDependencies: false,
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
