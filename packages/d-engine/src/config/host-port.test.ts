import { describe, expect, test } from 'vitest';
import { formatHostPort, isLoopbackHost, isUnspecifiedHost, parseHostPort } from './host-port.ts';

describe('parseHostPort', () => {
  test.each([
    ['127.0.0.1:9081', '127.0.0.1', 9081],
    ['node-1.example.com:1', 'node-1.example.com', 1],
    ['my_service:65535', 'my_service', 65_535],
    ['[::1]:9081', '::1', 9081],
    ['[fe80::1%eth0]:9081', 'fe80::1%eth0', 9081],
    ['0.0.0.0:9081', '0.0.0.0', 9081],
  ])('%s', (text, host, port) => {
    expect(parseHostPort(text)).toEqual({ host, port });
    expect(formatHostPort({ host, port })).toBe(text);
  });

  test.each([
    '',
    'a',
    ':1',
    'a:',
    'a:x',
    'a:0',
    'a:65536',
    'a:-1',
    'a:1:2',
    'a b:1',
    '::1:9081',
    '[a]:1',
    '[::1]',
    'http://a:1',
    'a/b:1',
    '300.1.1.1:1',
    '1.2.3:1',
    '-a:1',
    'a..b:1',
  ])('%j is refused', (text) => expect(parseHostPort(text)).toBeUndefined());
});

test('unspecified and loopback hosts', () => {
  expect(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].every(isUnspecifiedHost)).toBe(true);
  expect(['127.0.0.1', '::1', 'localhost', '0.0.0.1'].some(isUnspecifiedHost)).toBe(false);
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopbackHost)).toBe(true);
  expect(['10.0.0.1', '::', '127.example', 'localhost.example'].some(isLoopbackHost)).toBe(false);
});
