import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A part of the bench that runs as a process of its own and answers questions. */
export class ServerProcess {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  /** `words` are what its `main.ts` gets; `nodeOptions` are Node's own. */
  static async start(
    words: readonly string[],
    nodeOptions: readonly string[] = [],
  ): Promise<ServerProcess> {
    const child = fork(process.argv[1] as string, words, {
      execPath: process.execPath,
      execArgv: [...nodeOptions, 'tools/run-ts.mjs'],
    });
    const [{ address }] = (await once(child, 'message')) as [{ address: string }];
    return new ServerProcess(child, address);
  }

  /** What the other side's {@link answerQuestions} makes of it. */
  async ask<T>(question: string): Promise<T> {
    const answer = once(this.#child, 'message');
    this.#child.send(question);
    const [message] = (await answer) as [{ answer: T }];
    return message.answer;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}

/** The other side: says where it listens, and answers until its parent lets go. */
export function answerQuestions(
  address: string,
  answers: Readonly<Record<string, () => unknown>>,
): void {
  process.on('message', (question: string) => {
    const answer = answers[question];
    if (answer === undefined) throw new Error(`no answer to '${question}'`);
    process.send?.({ answer: answer() });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ address });
}

export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
