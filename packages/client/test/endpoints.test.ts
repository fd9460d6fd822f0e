import { DEngineError } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { hintedAddress, parseEndpoint } from '../src/endpoint-address.ts';
import { ClientFixture } from './client-fixture.ts';

describe('endpoints', () => {
  it.each([
    ['127.0.0.1:9081', '127.0.0.1:9081'],
    ['http://127.0.0.1:9081', '127.0.0.1:9081'],
    ['HTTP://Node1.Example:9081/', 'node1.example:9081'],
    [' localhost:1 ', 'localhost:1'],
    ['[::1]:9081', '[::1]:9081'],
    ['http://[FE80::1]:65535', '[fe80::1]:65535'],
  ])('%s', (endpoint, address) => {
    expect(parseEndpoint(endpoint, 'http')).toBe(address);
  });

  it.each([
    'localhost',
    'localhost:0',
    'localhost:65536',
    'localhost:http',
    ':9081',
    '::1:9081',
    'http://localhost:1/path',
    'user@localhost:1',
    '',
  ])('%j is refused', (endpoint) => {
    expect(() => parseEndpoint(endpoint, 'http')).toThrow(DEngineError);
    expect(() => parseEndpoint(endpoint, 'http')).toThrow(/host:port/);
  });

  it('say the scheme of their client, or none', () => {
    expect(parseEndpoint('https://n1.example:1', 'https')).toBe('n1.example:1');
    expect(parseEndpoint('n1.example:1', 'https')).toBe('n1.example:1');
    const mistaken = (endpoint: string, scheme: 'http' | 'https') => () =>
      parseEndpoint(endpoint, scheme);
    expect(mistaken('https://n1:1', 'http')).toThrow(/asks for TLS, and this client has no tls/);
    expect(mistaken('HTTP://n1:1', 'https')).toThrow(/is plain, and there is a tls option/);
    expect(mistaken('n1', 'https')).toThrow(/use host:port or https:\/\/host:port/);
  });

  it('at least one is needed', () => {
    expect(() => new ClientFixture().connect({ endpoints: [] })).toThrow(/endpoints is empty/);
  });
});

describe('hints', () => {
  it.each([
    ['10.0.0.2:9082', '10.0.0.1:9081', '10.0.0.2:9082'],
    ['0.0.0.0:9082', '10.0.0.1:9081', '10.0.0.1:9082'],
    ['[::]:9082', '[::1]:9081', '[::1]:9082'],
    ['nonsense', '10.0.0.1:9081', undefined],
    ['', '10.0.0.1:9081', undefined],
  ])('%j of %s', (hint, from, address) => {
    expect(hintedAddress(hint, from)).toBe(address);
  });
});
