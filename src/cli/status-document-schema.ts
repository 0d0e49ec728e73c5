import { z } from 'zod';
import { memberEvidenceSchema } from '../diagnose/evidence-schema.ts';
import { CLUSTER_VERDICTS, VERDICTS } from '../diagnose/verdict.ts';
import { GUARD_IDS } from '../heal/guard.ts';
import type { StatusDocument } from '../heal/status-document.ts';
import { DATABASES } from '../ovsdb/database.ts';

/** The agent's answer, checked before anything is printed from it: agent and command line may differ in version. */

const database = z.enum(DATABASES);
const remedy = z.enum(['compact', 'preserve', 'none']);
const age = z.number().min(0).nullable();

const guard = z.object({
  id: z.enum(GUARD_IDS),
  ok: z.boolean(),
  value: z.string(),
  threshold: z.string(),
  ageMs: age,
  toPass: z.string(),
});

const diagnosis = z.object({
  database,
  cluster: z.enum(CLUSTER_VERDICTS),
  because: z.string(),
  leader: z
    .object({ node: z.string(), serverId: z.string(), clusterId: z.string(), term: z.int() })
    .nullable(),
  members: z.array(z.object({ node: z.string(), verdict: z.enum(VERDICTS), because: z.string() })),
  frozen: z.boolean(),
});

const databaseStatus = z.object({
  diagnosis,
  members: z.array(z.object({ node: z.string(), ageMs: age, evidence: memberEvidenceSchema.nullable() })),
  plan: z
    .object({ database, node: z.string(), remedy, because: z.string(), guards: z.array(guard) })
    .nullable(),
});

const heal = z.object({
  healId: z.string(),
  database,
  node: z.string(),
  remedy,
  startedAt: z.string(),
  step: z.string(),
  outcome: z.enum(['running', 'healed', 'refused', 'failed', 'abandoned']),
  detail: z.string(),
});

export const statusDocumentSchema: z.ZodType<StatusDocument> = z.object({
  node: z.string(),
  version: z.string(),
  at: z.iso.datetime(),
  mode: z.enum(['auto', 'observe']),
  armed: z.object({ armed: z.boolean(), because: z.string() }),
  databases: z.array(databaseStatus),
  heals: z.array(heal),
  backups: z.array(z.object({ database, newestVerifiedAt: z.iso.datetime().nullable(), items: z.int() })),
});
