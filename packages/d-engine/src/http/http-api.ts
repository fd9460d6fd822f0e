import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Address, ClientApi, Logger, Metrics } from '@d-engine/base';
import type { DispatcherOptions } from './dispatcher.ts';
import { createHostRule } from './host-rule.ts';
import { type HttpLimits, httpLimits } from './http-limits.ts';
import { HttpPort, type ListeningPort, splitAddress } from './http-port.ts';
import { HttpSeries } from './http-series.ts';
import { keyValueRoutes } from './key-value-routes.ts';
import { leaseRoutes } from './lease-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { type HttpNode, healthRoutes, metricsRoutes, nodeRoutes } from './node-routes.ts';
import { ByteBudget } from './request-body.ts';
import { scanRoute } from './scan-route.ts';
import type { StoreSettings } from './store-fields.ts';
import { transactionRoute } from './transaction-route.ts';
import { watchRoute } from './watch-route.ts';

export interface HttpSettings extends StoreSettings {
  /** Hosts of initial_cluster, advertise_address and `[http] allowed_hosts`; ports are ignored. */
  readonly allowedHosts: readonly string[];
  /** Base64 makes a value a third longer: 6 MiB fits the largest one either way. */
  readonly bodyBytesMax: number;
}

export interface HttpApiOptions {
  readonly client: ClientApi;
  readonly node: HttpNode;
  readonly settings: HttpSettings;
  readonly metrics: Metrics;
  /** The text of `/metrics`. */
  renderMetrics(): string;
  readonly logger: Logger;
  /** Instead of {@link httpLimits}. */
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpApi {
  /**
   * Serves an HTTP/1.1 connection of the client port. Bytes that were read to tell the protocol
   * must have been unshifted.
   */
  handleSocket(socket: Socket): void;
  /** Serves `/metrics` and health on a port of their own. Rejects when it is taken. */
  listenMetrics(address: Address): Promise<ListeningPort>;
  /** Ends idle connections at once, busy ones after their answers or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** HTTP/JSON for clients, load balancers and monitoring. */
export function createHttpApi(options: HttpApiOptions): HttpApi {
  const { client, node, settings, metrics } = options;
  const limits = { ...httpLimits, ...options.limits };
  const shared: Omit<DispatcherOptions, 'closing' | 'routes' | 'hostRule'> = {
    bodyBytesMax: settings.bodyBytesMax,
    bodyBudget: new ByteBudget(limits.bodyBytesInFlightMax),
    limits,
    logger: options.logger,
    series: new HttpSeries(metrics),
    leaderHint: (callerHost) => node.leaderHint(callerHost),
  };
  const clientPort = new HttpPort({
    ...shared,
    routes: [
      ...keyValueRoutes(client, settings),
      transactionRoute(client, settings),
      scanRoute(client, settings),
      ...leaseRoutes(client, settings),
      watchRoute(node.watches),
      ...nodeRoutes(node),
      ...memberRoutes(node),
    ],
    hostRule: createHostRule(settings.allowedHosts, hostname()),
  });
  const metricsPorts: HttpPort[] = [];
  return {
    handleSocket: (socket) => clientPort.accept(socket),
    listenMetrics(address) {
      // Monitoring reaches this port by names that no config knows, and nothing here is secret.
      const routes = [...metricsRoutes(() => options.renderMetrics()), ...healthRoutes(node)];
      const port = new HttpPort({ ...shared, routes, hostRule: undefined });
      metricsPorts.push(port);
      const { host, port: number } = splitAddress(address);
      return port.listen(host, number);
    },
    async close(graceMs) {
      await Promise.all([clientPort, ...metricsPorts].map((port) => port.close(graceMs)));
    },
  };
}
