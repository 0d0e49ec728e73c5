import { z } from 'zod';
import { DATABASES } from '../ovsdb/database.ts';

/**
 * `backup`: taken on a schedule or by request. `preserved`: copied aside before an act, or because a file holds data
 * that others lack. `quarantine`: the copy of a file that was moved out of a server's way.
 */
export const COPY_KINDS = ['backup', 'preserved', 'quarantine'] as const;

export type CopyKind = (typeof COPY_KINDS)[number];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'wanted 64 hexadecimal digits');
const count = z.int().min(0);
const fileName = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => name !== '.' && name !== '..' && !/[/\0]/.test(name), 'wanted a plain file name');

const copiedFile = z.object({
  /** `db` is the database, `hdr` the raft header that Kube-OVN writes beside it, `sibling` a `.backup-*` copy. */
  role: z.enum(['db', 'hdr', 'sibling']),
  name: fileName,
  /** Of the bytes as they were, before compression; also the name of the stored object. */
  sha256,
  sizeBytes: count,
  /** Permission bits, owner and time of the source when it was opened. */
  mode: count,
  uid: count,
  gid: count,
  modifiedAt: z.iso.datetime(),
});

export type CopiedFile = z.infer<typeof copiedFile>;

// The kind is free text here: a manifest of a newer version must stay readable for an older one.
const problem = z.object({
  kind: z.string(),
  record: z.int().nullable(),
  offset: z.int().nullable(),
  detail: z.string(),
});

const verdict = z.discriminatedUnion('state', [
  z.object({ state: z.literal('verified') }),
  z.object({ state: z.literal('suspect'), problems: z.array(problem).min(1) }),
]);

/** `verified` speaks of exactly the bytes of the object with the `db` file's sha256. */
export type CopyVerdict = z.infer<typeof verdict>;

export const copyItemSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  /** Counts up by one for each item, whatever the clock says: the order of items is the order of this number. */
  sequence: z.int().min(1),
  kind: z.enum(COPY_KINDS),
  database: z.enum(DATABASES),
  node: z.string().min(1),
  takenAt: z.iso.datetime(),
  /** When the source was last seen to hold exactly these bytes; never before `takenAt` but for a clock that jumped. */
  confirmedAt: z.iso.datetime(),
  reason: z.string(),
  /** Path of the database file on its host. */
  source: z.string(),
  files: z.array(copiedFile).min(1),
  identity: z.object({
    clusterId: z.string().nullable(),
    serverId: z.string().nullable(),
    address: z.string().nullable(),
  }),
  position: z.object({
    term: z.int().nullable(),
    lastIndex: z.int().nullable(),
    commitIndex: z.int().nullable(),
    eid: z.string().nullable(),
  }),
  /** Bytes of an unfinished last record that were left out. */
  trimmedBytes: count,
  /** Names of siblings that were over the limit and were left out. */
  skipped: z.array(fileName),
  verdict,
  /** Program name to version, of what made this item. */
  tools: z.record(z.string(), z.string()),
});

/** One copy of a database, as its manifest tells: a unit that is kept or removed whole. */
export type CopyItem = z.infer<typeof copyItemSchema>;

/** What a maker of copies hands to the catalogue, which gives it its number and name. */
export type CopyDraft = Omit<CopyItem, 'version' | 'id' | 'sequence'>;

/** Digest of the database file, or null when only its neighbours could be copied. */
export function databaseSha256(item: Pick<CopyItem, 'files'>): string | null {
  return item.files.find((file) => file.role === 'db')?.sha256 ?? null;
}
