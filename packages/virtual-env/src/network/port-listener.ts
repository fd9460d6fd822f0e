import type { Life } from '../life.ts';
import type { Side, SideListener } from './side.ts';

/** What goes over a connection: whole messages, or bytes for a codec of the code under test. */
export type Speech = 'messages' | 'bytes';

/** Whoever has a port of a host. The ports are shared: behind both kinds is TCP. */
export interface PortListener extends SideListener {
  readonly speaks: Speech;
  readonly life: Life;
  readonly loopbackOnly: boolean;
  readonly closing: boolean;
  /** The serving side of a new connection. */
  sideOpened(side: Side): void;
}
