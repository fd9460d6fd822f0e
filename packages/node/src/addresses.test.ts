import { configurationOf } from '@d-engine/raft';
import { expect, test } from 'vitest';
import { dialAddress, hintAddress, splitAddress } from './addresses.ts';
import { MemberAddresses } from './member-addresses.ts';
import type { NodeSettings } from './settings.ts';

test('nobody is told to dial an unspecified address', () => {
  expect(dialAddress('0.0.0.0:9081')).toBe('127.0.0.1:9081');
  expect(dialAddress('[::]:9081')).toBe('[::1]:9081');
  expect(dialAddress('n1:9081')).toBe('n1:9081');
  expect(hintAddress('0.0.0.0:9081', '10.0.0.7')).toBe('10.0.0.7:9081');
  expect(hintAddress('0.0.0.0:9081', undefined)).toBe('127.0.0.1:9081');
  expect(hintAddress('n1:9081', '10.0.0.7')).toBe('n1:9081');
  expect(splitAddress('[::1]:80')).toEqual({ host: '[::1]', port: '80' });
});

test('clients are told what a member advertises, and its peers dial what is configured', () => {
  const members = [1, 2].map((id) => ({
    id,
    address: `n${id}:9081`,
    role: 'voter' as const,
    promotable: false,
  }));
  const settings = {
    nodeId: 1,
    initialMembers: members,
    listenAddress: '0.0.0.0:9081',
    advertiseAddress: 'one.example:9081',
  } as unknown as NodeSettings;
  const addresses = new MemberAddresses(settings, () => configurationOf(members));
  expect(addresses.toTell(1)).toBe('one.example:9081');
  expect(addresses.toTell(2)).toBe('n2:9081');
  addresses.learn(2, 'two.example:9081');
  expect(addresses.toTell(2)).toBe('two.example:9081');
  expect(addresses.toDial(2)).toBe('n2:9081');
  addresses.learn(2, undefined);
  expect(addresses.toTell(2)).toBe('n2:9081');
  expect(addresses.toTell(9)).toBeUndefined();
});
