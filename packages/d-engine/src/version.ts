/** Of the `d-engine` package; a test holds it to package.json. */
export const version: string = '0.1.0';
