import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { fsyncDirectory } from '../lib/durable-file.ts';
import { WardenError, systemCodeOf } from '../lib/errors.ts';

/** Where objects live and where they are made; both on one filesystem. */
export interface ObjectPlace {
  readonly objects: string;
  readonly staging: string;
}

export interface StoredObject {
  readonly sha256: string;
  /** Before compression. */
  readonly sizeBytes: number;
  /** On disk. */
  readonly storedBytes: number;
}

export interface ListedObject {
  readonly sha256: string;
  readonly storedBytes: number;
  readonly modifiedAtMs: number;
}

const CHUNK_BYTES = 1024 * 1024;
/** Of an 80 MB database, level 1 makes 13.5 MB in 0.6 s; level 6 makes 13.1 MB in 0.9 s of a busy host's processor. */
const GZIP_LEVEL = 1;

/** A new private name in the staging directory, on the same filesystem as the objects. */
export function stagingPath(place: ObjectPlace): string {
  return join(place.staging, randomBytes(8).toString('hex'));
}

/** @throws WardenError `state-corrupt` for anything but 64 hexadecimal digits, so that no name can leave the store. */
export function objectPath(place: ObjectPlace, sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new WardenError(
      'state-corrupt',
      `wanted a sha256 as the name of a stored object, got ${JSON.stringify(sha256)}`,
    );
  }
  return join(place.objects, `${sha256}.gz`);
}

/**
 * Stores the bytes of a file that no longer changes, under their sha256. Bytes that are stored already are read back
 * and kept; a damaged object is replaced. The object is read back and compared before it gets its name.
 * @throws WardenError `state-corrupt` when what was written does not read back as what was read.
 */
export async function putObject(
  place: ObjectPlace,
  sourcePath: string,
  signal?: AbortSignal,
): Promise<StoredObject> {
  const { sha256, sizeBytes } = await digestFile(sourcePath, signal);
  const path = objectPath(place, sha256);
  if ((await checkObject(place, sha256, signal)) === 'sound') {
    // A fresh time keeps a sweep of another process away until the manifest is there.
    const now = new Date();
    await utimes(path, now, now);
    return { sha256, sizeBytes, storedBytes: (await stat(path)).size };
  }
  const temporary = stagingPath(place);
  try {
    await compress(sourcePath, temporary, signal);
    await requireDigest(temporary, sha256, signal);
    await rename(temporary, path);
    await fsyncDirectory(place.objects);
  } finally {
    await rm(temporary, { force: true });
  }
  return { sha256, sizeBytes, storedBytes: (await stat(path)).size };
}

/** Reads an object to its end: do its bytes still have the digest that is its name? */
export async function checkObject(
  place: ObjectPlace,
  sha256: string,
  signal?: AbortSignal,
): Promise<'sound' | 'damaged' | 'missing'> {
  try {
    return (await digestOfCompressed(objectPath(place, sha256), signal)) === sha256 ? 'sound' : 'damaged';
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT') return 'missing';
    if (code === 'EIO' || code?.startsWith('Z_') === true) return 'damaged';
    throw error;
  }
}

/**
 * Writes the original bytes of an object to a path that must not exist yet: whole and durable, or not at all.
 * @throws WardenError `state-corrupt` when the object is damaged; the system's `EEXIST` when the path is taken.
 */
export async function extractObject(
  place: ObjectPlace,
  sha256: string,
  toPath: string,
  options: { readonly mode?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const temporary = join(dirname(toPath), `.tmp-${randomBytes(8).toString('hex')}`);
  const hash = createHash('sha256');
  const source = createReadStream(objectPath(place, sha256), { highWaterMark: CHUNK_BYTES });
  const sink = createWriteStream(temporary, { flags: 'wx', mode: options.mode ?? 0o600, flush: true });
  try {
    await pipeline(source, createGunzip(), hashing(hash), sink, signalOption(options.signal));
    const got = hash.digest('hex');
    if (got !== sha256) throw damaged(sha256, got);
    // Unlike a rename, a link never replaces what is there.
    await link(temporary, toPath);
  } finally {
    await rm(temporary, { force: true });
  }
  await fsyncDirectory(dirname(toPath));
}

/** All objects; names that are not ours are left out. */
export async function listObjects(place: ObjectPlace): Promise<ListedObject[]> {
  const listed: ListedObject[] = [];
  for (const name of await readdir(place.objects)) {
    const sha256 = /^([0-9a-f]{64})\.gz$/.exec(name)?.[1];
    if (sha256 === undefined) continue;
    const { size, mtimeMs } = await stat(objectPath(place, sha256));
    listed.push({ sha256, storedBytes: size, modifiedAtMs: mtimeMs });
  }
  return listed;
}

/** Size and sha256 of a file's bytes. */
export async function digestFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, sizeBytes);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      sizeBytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

async function compress(fromPath: string, toPath: string, signal?: AbortSignal): Promise<void> {
  const source = createReadStream(fromPath, { highWaterMark: CHUNK_BYTES });
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: CHUNK_BYTES });
  const sink = createWriteStream(toPath, { flags: 'wx', mode: 0o600, flush: true });
  await pipeline(source, gzip, sink, signalOption(signal));
}

async function requireDigest(path: string, sha256: string, signal?: AbortSignal): Promise<void> {
  const got = await digestOfCompressed(path, signal);
  if (got !== sha256) throw damaged(sha256, got);
}

async function digestOfCompressed(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  await pipeline(source, gunzip, hash, signalOption(signal));
  return hash.digest('hex');
}

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

function signalOption(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function damaged(wanted: string, got: string): WardenError {
  return new WardenError(
    'state-corrupt',
    `a stored object should have sha256 ${wanted}, its bytes have ${got}`,
    {
      hint: 'the disk or the memory of this host damages data; look at its kernel log',
    },
  );
}
