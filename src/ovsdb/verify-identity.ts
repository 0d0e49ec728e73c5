import type { FileIdentity, Problem, ProblemKind } from './file-report.ts';

const RULES: readonly {
  readonly part: keyof FileIdentity;
  readonly kind: ProblemKind;
  readonly what: string;
}[] = [
  { part: 'database', kind: 'wrong-name', what: 'database' },
  { part: 'clusterId', kind: 'wrong-cluster', what: 'cluster' },
  { part: 'serverId', kind: 'wrong-server', what: 'server' },
  { part: 'address', kind: 'wrong-address', what: 'address' },
];

/** Is this the file of the member that belongs here? Parts that are not known on either side are not compared. */
export function identityProblems(actual: FileIdentity, expected: Partial<FileIdentity>): readonly Problem[] {
  return RULES.flatMap(({ part, kind, what }) => {
    const wanted = expected[part] ?? null;
    const got = actual[part];
    if (wanted === null || got === null || wanted.toLowerCase() === got.toLowerCase()) return [];
    return [{ kind, record: 0, offset: 0, detail: `${what} is ${got}, expected ${wanted}` }];
  });
}
