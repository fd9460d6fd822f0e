import { connect } from 'node:net';
import { errorCode } from './disk-errors.ts';

export type Answer =
  /** Nobody listens; `exists`: a socket is there all the same. */
  | { readonly type: 'dead'; readonly exists: boolean }
  /** Somebody listens who is not the owner yet, and perhaps never: ask again. */
  | { readonly type: 'undecided' }
  | { readonly type: 'owned'; readonly pid: number | undefined };

/** An owner that was stopped, or whose loop is busy, is one that does not answer: it lives. */
const answerMsMax = 2000;

/** Asks the socket at the path who owns the directory. */
export function askOwner(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ path });
    const timer = setTimeout(() => finish({ type: 'owned', pid: undefined }), answerMsMax);
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding('utf8');
    socket.on('data', (data: string) => {
      text += data;
    });
    socket.on('end', () => {
      const pid = /^pid (\d+)\n$/.exec(text)?.[1];
      finish(pid === undefined ? { type: 'undecided' } : { type: 'owned', pid: Number(pid) });
    });
    socket.on('error', (error) => {
      const code = errorCode(error);
      // Not a socket at all: a file of that name is nobody's.
      if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') finish({ type: 'dead', exists: true });
      else if (code === 'ENOENT') finish({ type: 'dead', exists: false });
      // More callers than the owner has taken in; or it ended while it was asked.
      else if (['EAGAIN', 'ECONNRESET', 'EPIPE'].includes(code)) finish({ type: 'undecided' });
      else {
        clearTimeout(timer);
        reject(error);
      }
    });
  });
}

/** Whether anybody listens there, owner or not. */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => {
      const code = errorCode(error);
      if (['ECONNREFUSED', 'ENOTSOCK', 'ENOENT'].includes(code)) resolve(false);
      // It ended while it was asked, or has more callers than it took in: to be asked again.
      else if (['EAGAIN', 'ECONNRESET', 'EPIPE'].includes(code)) resolve(true);
      else reject(error);
    });
  });
}
