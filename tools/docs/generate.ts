import { writeFileSync } from 'node:fs';
import { generatedPages } from './pages.ts';

// npm run docs: writes the pages that are made from the code. Run it in the repository's root.

for (const { path, text } of generatedPages()) {
  writeFileSync(path, text);
  console.log(`docs: ${path}`);
}
