import assert from 'node:assert/strict';
import type { FileEvidence, MemberEvidence, ServerEvidence } from '../../src/diagnose/evidence.ts';
import type { Problem } from '../../src/ovsdb/file-report.ts';
import type { LogPosition } from '../../src/ovsdb/log-position.ts';
import type { FileLook, MemberWatchPort } from '../../src/watch/member-watch.ts';
import type { Rot } from '../../src/watch/rot.ts';
import { healthyCluster, positionOf } from './evidence.ts';

export const PROBLEM: Problem = { kind: 'damaged-record', record: 7, offset: 4_242, detail: 'bad SHA-1' };

/** The server of n1, the leader. */
export function up(incarnation = 'first'): ServerEvidence {
  const [member] = healthyCluster();
  assert.ok(member?.server.state === 'up');
  return { ...member.server, incarnation };
}

/** The server and the file of n1, as the test says they are; every call is noted. */
export class ScriptedMember implements MemberWatchPort {
  server: ServerEvidence = up();
  inode = '1:7';
  continues = true;
  problem: Problem | null = null;
  /** What a look at new bytes does not see, because it lies in old ones. */
  isRotHidden = false;
  history: LogPosition[] = range(1, 50);
  pastPageCache: FileEvidence['pastPageCache'] = 'yes';
  word: Rot['checkCluster'] = 'bad';
  preserveFails = false;
  readonly calls: string[] = [];

  probe(): Promise<ServerEvidence> {
    this.calls.push('probe');
    return Promise.resolve(this.server);
  }

  readFile(mode: 'incremental' | 'full'): Promise<FileLook> {
    this.calls.push(mode);
    const problems =
      this.problem === null || (mode === 'incremental' && this.isRotHidden) ? [] : [this.problem];
    const first = this.history[0]?.index ?? 1;
    const last = this.history.at(-1)?.index ?? 0;
    const [member] = healthyCluster();
    assert.ok(member?.file);
    return Promise.resolve({
      report: {
        ...member.file.report,
        ok: problems.length === 0,
        problems,
        lastIndex: last,
        commitIndex: last,
      },
      history: {
        commitIndex: last,
        positionAt: (index) => {
          const position = this.history.find((candidate) => candidate.index === index);
          if (position !== undefined) return { state: 'known', position };
          return { state: index < first ? 'covered' : 'beyond' };
        },
      },
      continues: this.continues,
      inode: this.inode,
      bytesRead: 1_000,
      pastPageCache: this.pastPageCache,
    });
  }

  preserve(reason: string): Promise<string> {
    this.calls.push(`preserve: ${reason}`);
    if (this.preserveFails) return Promise.reject(new Error('no room'));
    return Promise.resolve('ab'.repeat(32));
  }

  checkCopy(): Promise<Rot['checkCluster']> {
    this.calls.push('check-cluster');
    return Promise.resolve(this.word);
  }

  recentFindings(): MemberEvidence['findings'] {
    return [];
  }

  /** The calls since the last time, without the probes. */
  taken(): string[] {
    return this.calls.splice(0).filter((call) => call !== 'probe');
  }
}

/** The entries from one index to another, on one line of history. */
export function range(from: number, to: number, line = 0): LogPosition[] {
  return Array.from({ length: to - from + 1 }, (_, offset) => positionOf(from + offset, 3, line));
}
