import type { VirtualHost, VirtualWorld } from '../src/index.ts';

/** Every 200 ms something goes wrong, chosen by the world's seed; `boot` runs at each restart. */
export function startChaos(
  world: VirtualWorld,
  hosts: readonly VirtualHost[],
  boot: (host: VirtualHost) => void,
): void {
  const random = world.random('chaos');
  const restart = (host: VirtualHost): void => {
    if (host.alive) return;
    host.restart();
    boot(host);
  };
  const faults: readonly (() => void)[] = [
    () => world.cut(random.pick(hosts), random.pick(hosts)),
    () => world.heal(),
    () => world.heal(),
    () => {
      const host = random.pick(hosts);
      host.crash({ powerLoss: random.chance(0.5) });
      world.after(random.between(0, 500), () => restart(host));
    },
    () => random.pick(hosts).stall(random.between(0, 300)),
    () => {
      const host = random.pick(hosts);
      host.pause();
      world.after(random.between(0, 300), () => host.resume());
    },
    () => random.pick(hosts).jumpWallClock(random.between(-5_000, 5_000)),
    () => random.pick(hosts).disk.stall(random.between(0, 300)),
  ];
  const strike = (): void => {
    const fault = random.pick(faults);
    try {
      fault();
    } catch {
      // A host cannot be cut off itself: nothing happens this time.
    }
    world.after(200, strike);
  };
  world.after(200, strike);
}
