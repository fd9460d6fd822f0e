import { DEngineError } from '@d-engine/base';
import type { Route } from './route.ts';

/** Routes that users will know from the docs before this version has them. */
export function laterRoutes(): Route[] {
  return [{ ...later('POST', '/promote', 'changes of membership'), admin: true }];
}

function later(method: Route['method'], path: string, what: string): Route {
  return {
    method,
    path,
    parameters: 'any',
    isLater: true,
    writes: method === 'POST',
    handle() {
      throw new DEngineError('Unsupported', `${path} is not in this version yet: no ${what}`);
    },
  };
}
