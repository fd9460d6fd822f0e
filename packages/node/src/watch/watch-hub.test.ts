import { DEngineError } from '@d-engine/base';
import { expect, test } from 'vitest';
import { byPrefix, keySelection, put, told, WatchKit } from '../testing/watch-kit.ts';

test('a watcher hears what its keys went through from now on, a revision at a time', () => {
  const kit = new WatchKit({}, { revision: 3 });
  const one = kit.open(keySelection('a'));
  const all = kit.open(byPrefix(''));
  expect([told(one), told(all)]).toEqual([['ready 3'], ['ready 3']]);
  kit.apply([put(4, 'a'), put(4, 'b'), put(5, 'b'), put(6, 'a')]);
  expect(told(one)).toEqual(['4:a=v4', '6:a=v6']);
  expect(told(all)).toEqual(['4:a=v4,b=v4', '5:b=v5', '6:a=v6']);
});

test('whoever selects nothing of a turn is not woken', () => {
  const kit = new WatchKit();
  for (let number = 0; number < 50; number++) kit.open(keySelection(`k${number}`));
  kit.apply([put(1, 'k7'), put(2, 'k7'), put(3, 'x')]);
  expect(kit.wakes).toBe(1);
});

test('a resumed watcher hears all above its revision, once, and then what is new', () => {
  const kit = new WatchKit();
  kit.apply([put(1, 'a'), put(2, 'a'), put(3, 'b'), put(4, 'a')]);
  const watcher = kit.open(keySelection('a'), { historyId: 'h', revision: 1 });
  expect(watcher.next()).toMatchObject({ type: 'ready', token: { revision: 1 } });
  expect(watcher.next()).toMatchObject({ type: 'events', token: { revision: 2 } });
  kit.apply([put(5, 'a')]);
  expect(told(watcher)).toEqual(['4:a=v4', '5:a=v5']);
  kit.apply([put(6, 'a')]);
  expect(told(watcher)).toEqual(['6:a=v6']);
});

test('a revision without a history resumes as well', () => {
  const kit = new WatchKit();
  kit.apply([put(1, 'a'), put(2, 'a')]);
  expect(told(kit.open(keySelection('a'), { revision: 0 }))).toEqual([
    'ready 0',
    '1:a=v1',
    '2:a=v2',
  ]);
});

test('below what is kept, a watch is refused and told where to go on', () => {
  const kit = new WatchKit({ ringEventsMax: 2 });
  kit.apply([put(1, 'a'), put(2, 'a'), put(3, 'a'), put(4, 'a')], 9);
  const refused = kit.tryOpen(keySelection('a'), { historyId: 'h', revision: 1 });
  expect(refused).toMatchObject({
    name: 'WatchCompacted',
    code: 10030,
    resumeAt: { historyId: 'h', revision: 9 },
  });
  expect(told(kit.open(keySelection('a'), { revision: 2 }))).toEqual([
    'ready 2',
    '3:a=v3',
    '4:a=v4',
  ]);
  expect(kit.counted.get('d_engine_watch_compacted_total')).toBe(1);
});

test('a token of another history is refused', () => {
  const kit = new WatchKit();
  kit.apply([put(1, 'a')]);
  const refused = kit.tryOpen(keySelection('a'), { historyId: 'g', revision: 1 });
  expect(refused).toMatchObject({ name: 'WatchCompacted', resumeAt: { revision: 1 } });
});

test('what is above the applied revision is waited for, not skipped', () => {
  const kit = new WatchKit();
  kit.apply([put(1, 'a')]);
  const watcher = kit.open(keySelection('a'), { historyId: 'h', revision: 3 });
  kit.apply([put(2, 'a')]);
  expect(told(watcher)).toEqual([]);
  kit.apply([put(3, 'a'), put(4, 'a')]);
  expect(told(watcher)).toEqual(['ready 3', '4:a=v4']);
});

test('a watch of a cluster that forms begins with the cluster', () => {
  const kit = new WatchKit({}, { historyId: null });
  const watcher = kit.open(keySelection('a'));
  expect(told(watcher)).toEqual([]);
  kit.historyId = 'h';
  kit.apply([put(2, 'a')]);
  expect(told(watcher)).toEqual(['ready 0', '2:a=v2']);
});

test('an installed snapshot ends the watches whose events it stands for', () => {
  const kit = new WatchKit();
  const live = kit.open(keySelection('a'));
  kit.apply([put(1, 'a')]);
  const ahead = kit.open(keySelection('a'), { historyId: 'h', revision: 50 });
  const between = kit.open(keySelection('a'), { historyId: 'h', revision: 20 });
  kit.load(40);
  expect([told(live), told(between)]).toEqual([['10030'], ['10030']]);
  expect(kit.tryOpen(keySelection('a'), { historyId: 'h', revision: 39 })).toBeInstanceOf(
    DEngineError,
  );
  kit.apply([put(50, 'a'), put(51, 'a')]);
  expect(told(ahead)).toEqual(['ready 50', '51:a=v51']);
  expect(told(kit.open(keySelection('a'), { historyId: 'h', revision: 40 }))).toEqual([
    'ready 40',
    '50:a=v50',
    '51:a=v51',
  ]);
});

test('a new history ends the watches of the old one', () => {
  const kit = new WatchKit();
  const watcher = kit.open(keySelection('a'));
  kit.apply([put(1, 'a')]);
  kit.historyId = 'i';
  kit.apply([put(1_000_000_002, 'a')]);
  expect(told(watcher)).toEqual(['10030']);
  const token = { historyId: 'h', revision: 1 };
  expect(kit.tryOpen(keySelection('a'), token)).toMatchObject({
    resumeAt: { historyId: 'i', revision: 1_000_000_002 },
  });
});

test('a watcher that lags too far is canceled with 5001, and costs nobody else an event', () => {
  const kit = new WatchKit({ watcherEventsMax: 3 });
  const slow = kit.open(byPrefix(''));
  const fast = kit.open(byPrefix(''));
  const heard: string[] = [];
  for (let revision = 1; revision <= 3; revision++) {
    kit.apply([put(revision, 'a')]);
    heard.push(...told(fast));
  }
  expect(slow.pendingCount).toBe(3);
  kit.apply([put(4, 'a')]);
  heard.push(...told(fast));
  expect(heard).toEqual(['ready 0', '1:a=v1', '2:a=v2', '3:a=v3', '4:a=v4']);
  expect([told(slow), slow.pendingCount]).toEqual([['5001'], 0]);
  expect([kit.hub.count, kit.counted.get('d_engine_watch_overflows_total')]).toEqual([1, 1]);
  const again = kit.open(byPrefix(''), { historyId: 'h', revision: 0 });
  expect(told(again)).toEqual(['ready 0', '1:a=v1', '2:a=v2', '3:a=v3', '4:a=v4']);
});

test('one turn may bring more than a watcher may lag', () => {
  const kit = new WatchKit({ watcherEventsMax: 2 });
  const watcher = kit.open(keySelection('a'));
  kit.apply([put(1, 'a'), put(2, 'a'), put(3, 'a')]);
  expect(told(watcher)).toEqual(['ready 0', '1:a=v1', '2:a=v2', '3:a=v3']);
});

test('what waits for a watcher does not outlive what is kept', () => {
  const kit = new WatchKit({ ringEventsMax: 8, watcherEventsMax: 1_000 });
  const stuck = kit.open(keySelection('a'));
  kit.apply([put(1, 'a')]);
  for (let revision = 2; revision <= 12; revision++) kit.apply([put(revision, 'b')]);
  expect(stuck.pendingCount).toBe(0);
  expect(told(stuck)).toEqual(['5001']);
});

test('a replay that what is kept has overtaken is canceled, never continued with a gap', () => {
  const kit = new WatchKit({ ringEventsMax: 4 });
  kit.apply([put(1, 'a'), put(2, 'a'), put(3, 'a'), put(4, 'a')]);
  const watcher = kit.open(keySelection('a'), { historyId: 'h', revision: 0 });
  expect(watcher.next()).toMatchObject({ type: 'ready' });
  expect(watcher.next()).toMatchObject({ token: { revision: 1 } });
  kit.apply([put(5, 'a'), put(6, 'a')]);
  expect(told(watcher)).toEqual(['5001']);
});

test('a quiet watch hears up to where it was told everything, where a leader is known', () => {
  const kit = new WatchKit({ progressIntervalMs: 1_000 });
  const watcher = kit.open(keySelection('a'));
  expect(told(watcher)).toEqual(['ready 0']);
  kit.apply([put(5, 'b')]);
  kit.clock.advance(1_200);
  expect(told(watcher)).toEqual(['progress 5']);
  kit.hasLeader = false;
  kit.clock.advance(5_000);
  expect(told(watcher)).toEqual([]);
  kit.hasLeader = true;
  kit.clock.advance(1_200);
  expect(told(watcher)).toEqual(['progress 5']);
});

test('progress never comes before events that it stands for', () => {
  const kit = new WatchKit({ progressIntervalMs: 1_000 });
  const watcher = kit.open(keySelection('a'));
  told(watcher);
  kit.apply([put(1, 'a')]);
  kit.clock.advance(5_000);
  kit.apply([put(2, 'a')]);
  expect(told(watcher)).toEqual(['1:a=v1', '2:a=v2']);
});

test('no timer runs while nobody watches', () => {
  const kit = new WatchKit({ progressIntervalMs: 1_000 });
  expect(kit.clock.timerCount).toBe(0);
  const watcher = kit.open(keySelection('a'));
  expect(kit.clock.timerCount).toBe(1);
  watcher.close();
  kit.clock.advance(1_000);
  expect(kit.clock.timerCount).toBe(0);
});

test('an eager watcher makes the timer come sooner', () => {
  const kit = new WatchKit({ progressIntervalMs: 60_000 });
  kit.open(keySelection('a'));
  const eager = kit.open(keySelection('b'), undefined, { progressIntervalMs: 100 });
  told(eager);
  kit.clock.advance(150);
  expect(told(eager)).toEqual(['progress 0']);
});

test('more watchers than may be are refused, and a closed one makes room', () => {
  const kit = new WatchKit({ watchersMax: 2 });
  const first = kit.open(keySelection('a'));
  kit.open(keySelection('a'));
  expect(kit.tryOpen(keySelection('a'))).toMatchObject({ name: 'RateLimited' });
  first.close();
  expect(kit.hub.count).toBe(1);
  kit.open(keySelection('a'));
  expect(kit.counted.get('d_engine_watch_refusals_total')).toBe(1);
});

test('a closed watcher hears nothing more', () => {
  const kit = new WatchKit();
  const watcher = kit.open(keySelection('a'));
  watcher.close();
  kit.apply([put(1, 'a')]);
  expect([told(watcher), kit.wakes]).toEqual([[], 0]);
});

test('previous values are told to those who asked', () => {
  const kit = new WatchKit();
  const plain = kit.open(keySelection('a'));
  const asking = kit.open(keySelection('a'), undefined, { previousValues: true });
  kit.apply([{ ...put(1, 'a'), previous: Buffer.from('old') }]);
  plain.next();
  asking.next();
  expect(plain.next()).toMatchObject({ events: [{ previous: undefined }] });
  expect(asking.next()).toMatchObject({ events: [{ previous: Buffer.from('old') }] });
});

test('a stopped member ends its watches and begins none', () => {
  const kit = new WatchKit();
  const watcher = kit.open(keySelection('a'));
  kit.hub.stop(new DEngineError('Stopped', 'the member has stopped'));
  expect(told(watcher)).toEqual(['10007']);
  expect(kit.tryOpen(keySelection('a'))).toMatchObject({ name: 'Stopped' });
});
