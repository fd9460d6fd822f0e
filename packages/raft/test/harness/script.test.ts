import { describe, expect, test } from 'vitest';
import { runScript } from './run-script.ts';
import { parseScript, renderScript } from './script.ts';

function run(text: string): string {
  const script = parseScript('scene.txt', text);
  return renderScript(script, runScript(script));
}

describe('a golden script', () => {
  test('is rendered as it was written, but for the outputs', () => {
    const text = '# A scene.\n\nadd-nodes 1\n\n# And then?\nstatus\n----\nold\nlines\n';
    expect(run(text)).toBe(
      '# A scene.\n\nadd-nodes 1\n----\nok\n\n# And then?\nstatus\n----\n' +
        'n1 follower t1 leader=none commit=1 last=1 durable=1 formed\n',
    );
    expect(run(run(text))).toBe(run(text));
  });

  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown command', 'elects 1', /there is no command elects/],
    ['a missing argument', 'campaign', /a node is missing/],
    ['an argument too many', 'tick 1 why=not', /tick does not take why=not/],
    ['an unknown node', 'campaign 7', /there is no node 7/],
    ['a word for a number', 'advance soon', /must be a number, not soon/],
    ['an unknown message type', 'deliver type=gossip', /must be one of .*, not gossip/],
    ['a filter without messages', 'drop to=2', /no message on its way matches/],
    ['an option twice', 'deliver to=1 to=2', /to=2 comes twice/],
    ['an unknown key', 'expect 1 mood=good', /the key must be one of/],
    ['a failed expectation', 'expect 1 term=9', /node 1 has term=1, expected 9/],
  ];

  test.each(mistakes)('%s is told with file and line', (_, command, message) => {
    const text = `# A scene.\n\nadd-nodes 3\n----\nok\n\n${command}\n----\nok\n`;
    expect(() => run(text)).toThrow(message);
    expect(() => run(text)).toThrow(`scene.txt:7: ${command}`);
  });

  test('needs a ruler between command and output', () => {
    expect(() => parseScript('scene.txt', 'status\nn1 leader')).toThrow('scene.txt:2');
  });
});
