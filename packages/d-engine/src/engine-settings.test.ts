import { expect, test } from 'vitest';
import { loadText } from './config/test-support.ts';
import { nodeSettings } from './engine-settings.ts';

test('each key of [raft.watch] reaches the member', () => {
  const toml = `[raft.watch]
event_queue_size = 11
max_event_queue_bytes = 12
watcher_buffer_size = 13
enable_metrics = true
max_watcher_count = 14
heartbeat_interval_ms = 15
`;
  expect(nodeSettings(loadText(toml).config).watch).toEqual({
    ringEventsMax: 11,
    ringBytesMax: 12,
    watcherEventsMax: 13,
    lagMeasured: true,
    watchersMax: 14,
    progressIntervalMs: 15,
  });
});
