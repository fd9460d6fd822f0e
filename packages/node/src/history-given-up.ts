import type { LogIndex } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';

/** Why a member stops that holds, as committed, what the voters of its cluster gave up. */
export function historyGivenUp(index: LogIndex): DEngineError {
  return new DEngineError(
    'HistoryGivenUp',
    `This member holds entries from index ${index} on that were acknowledged and that the voters ` +
      'of its cluster have given up since: a leader of theirs logged POSSIBLE DATA LOSS. This ' +
      'member has no binding that counts, so its vote was not asked for. It cannot go on with ' +
      'this data directory: save a copy if what it holds is worth reading, wipe the directory ' +
      'and start the node again, so that it joins anew. If no member logged that line, report a ' +
      'defect.',
  );
}
