import type { Logger } from 'pino';
import type { Copies } from '../backup/copies.ts';
import type { Config } from '../config/schema.ts';
import type { Journal } from '../heal/journal.ts';
import type { StatusDocument } from '../heal/status-document.ts';
import type { Clock } from '../lib/clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { PeerClient } from '../peers/peer-client.ts';
import type { TlsStore } from '../peers/tls-store.ts';
import type { Armory } from './armory.ts';
import type { CopyKeeper } from './copy-keeper.ts';
import type { Exchange } from './exchange.ts';
import type { Healer } from './healer.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Member, MemberView } from './member.ts';
import type { RecentFindings } from './recent-findings.ts';

/** All parts of one agent, built and not started. */
export interface Agent {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the agent is to end. */
  readonly signal: AbortSignal;
  readonly metrics: Metrics;
  readonly tls: TlsStore;
  readonly client: PeerClient;
  readonly exchange: Exchange;
  readonly copies: Copies;
  readonly copyKeeper: CopyKeeper;
  readonly findings: RecentFindings;
  readonly members: readonly Member[];
  readonly armory: Armory;
  readonly journal: Journal;
  readonly healer: Healer;
  readonly lifecycle: Lifecycle;
  /** Reads again which copies there are, for `status`. */
  refreshCopies(): Promise<void>;
  views(): readonly MemberView[];
  status(): StatusDocument;
}
