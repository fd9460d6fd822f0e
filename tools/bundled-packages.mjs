/**
 * Foreign packages that are inside the bundle: they exist as ES modules only, which a CommonJS
 * build under Jest cannot load. Their licences go with it.
 */
export const bundledPackages = ['toml-eslint-parser', 'eslint-visitor-keys'];
