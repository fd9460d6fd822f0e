import { nearestName } from './nearest-name.ts';
import { joinPath, schema } from './schema.ts';

/** Says that `name` is no key of `table`, and which key was probably meant. */
export function describeUnknownKey(table: string, name: string): string {
  // As TOML wants it: a bare name, or quotes around anything else.
  const written = /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
  return `unknown config key ${joinPath(table, written)}; ${adviceFor(name, table)}`;
}

function adviceFor(name: string, table: string): string {
  const elsewhere = placesOf(name.toLowerCase());
  if (elsewhere.length > 0) {
    return `${name} belongs in ${elsewhere.map((place) => `[${place}]`).join(' or ')}`;
  }
  const siblings = namesIn(table);
  const sibling = nearestName(name, siblings) ?? siblings.find((key) => isPartOf(name, key));
  if (sibling !== undefined) return `the nearest known key is ${joinPath(table, sibling)}`;
  const anywhere = nearestPath(name);
  if (anywhere !== undefined) return `the nearest known key is ${anywhere}`;
  const where = table === '' ? 'the file' : `[${table}]`;
  return `${where} knows ${siblings.join(', ')}`;
}

/** `timeout_min` for `election_timeout_min`; a very short part says nothing. */
function isPartOf(name: string, key: string): boolean {
  return name.length >= 4 && key.includes(name.toLowerCase());
}

/** Tables that hold a key or a table of exactly this name. */
function placesOf(name: string): string[] {
  const places: string[] = [];
  for (const path of knownPaths()) {
    const cut = path.lastIndexOf('.');
    if (cut > 0 && path.slice(cut + 1) === name) places.push(path.slice(0, cut));
  }
  return places;
}

/** Keys and tables directly in `table`, aliases left out. */
function namesIn(table: string): string[] {
  const prefix = table === '' ? '' : `${table}.`;
  const names = new Set<string>();
  for (const path of knownPaths()) {
    if (path === '' || !path.startsWith(prefix)) continue;
    const name = path.slice(prefix.length).split('.')[0];
    if (name !== undefined && name !== '') names.add(name);
  }
  return [...names];
}

function nearestPath(name: string): string | undefined {
  const pathByName = new Map<string, string>();
  for (const path of knownPaths()) pathByName.set(path.slice(path.lastIndexOf('.') + 1), path);
  const nearest = nearestName(name, pathByName.keys());
  return nearest === undefined ? undefined : pathByName.get(nearest);
}

function* knownPaths(): Iterable<string> {
  for (const { path, declaration } of schema.keys) {
    // Nobody should be led to a key that does nothing.
    if (declaration.effect !== 'dead') yield path;
  }
  for (const section of schema.tables.values()) if (section !== undefined) yield section.path;
}
