import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { WardenError, messageOf } from '../lib/errors.ts';
import { isCertificateOf } from './node-identity.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What one end of a connection between agents needs. Holds a private key: never print it. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly expiresAtMs: number;
  /** Changes whenever one of the files does. */
  readonly stamp: string;
}

/** The certificate files of one agent, read again when they change. */
export interface TlsStore {
  current(): TlsMaterial;
  /** Looks whether the files changed, and returns what is valid now. */
  refresh(): Promise<TlsMaterial>;
  /** Wall time in milliseconds at which this agent's certificate ends. */
  certificateExpiry(): number;
}

export interface TlsStoreOptions {
  /** This agent's own node: its certificate must name it, or every sibling would refuse it. */
  readonly node: string;
  /**
   * Called when changed files cannot be used, for example in the middle of a renewal. The former material stays in use
   * and the files are tried again at each refresh; one problem is told once.
   */
  readonly onProblem: (error: WardenError) => void;
}

/**
 * Reads certificate, key and authority.
 * @throws WardenError `file-unreadable`, or `config-invalid` when they do not fit together.
 */
export async function openTlsStore(files: TlsFiles, options: TlsStoreOptions): Promise<TlsStore> {
  let material = await readMaterial(files, options.node);
  let toldProblem = '';
  async function refresh(): Promise<TlsMaterial> {
    try {
      if ((await stampOf(files)) !== material.stamp) material = await readMaterial(files, options.node);
      toldProblem = '';
    } catch (error) {
      if (!(error instanceof WardenError)) throw error;
      if (error.message !== toldProblem) options.onProblem(error);
      toldProblem = error.message;
    }
    return material;
  }
  return { current: () => material, refresh, certificateExpiry: () => material.expiresAtMs };
}

async function readMaterial(files: TlsFiles, node: string): Promise<TlsMaterial> {
  const stamp = await stampOf(files);
  const [ca, cert, key] = await Promise.all([files.caFile, files.certFile, files.keyFile].map(readPem));
  if (ca === undefined || cert === undefined || key === undefined) throw new Error('three files were read');
  parsed(files.caFile, 'a certificate', () => new X509Certificate(ca));
  const certificate = parsed(files.certFile, 'a certificate', () => new X509Certificate(cert));
  const privateKey = parsed(files.keyFile, 'a private key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new WardenError('config-invalid', `${files.keyFile} is not the key of ${files.certFile}`);
  if (!isCertificateOf(certificate, node)) {
    const subject = certificate.subject.replaceAll('\n', ', ');
    const message = `${files.certFile}: wanted a certificate of node "${node}", got one of ${subject}`;
    throw new WardenError('config-invalid', message);
  }
  return { ca, cert, key, expiresAtMs: certificate.validToDate.getTime(), stamp };
}

function parsed<T>(path: string, wanted: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new WardenError('config-invalid', `${path}: wanted ${wanted} in PEM, got: ${messageOf(error)}`);
  }
}

async function readPem(path: string): Promise<string> {
  return await readable(path, () => readFile(path, 'utf8'));
}

/** Follows symbolic links, as a renewal by kubelet or cert-manager swaps them. */
async function stampOf(files: TlsFiles): Promise<string> {
  const parts = [files.caFile, files.certFile, files.keyFile].map(async (path) => {
    const { ino, size, mtimeMs } = await readable(path, () => stat(path));
    return `${String(ino)}:${String(size)}:${String(mtimeMs)}`;
  });
  return (await Promise.all(parts)).join(' ');
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new WardenError('file-unreadable', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
