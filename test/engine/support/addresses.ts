import { createServer } from 'node:net';

const FIRST_PORT = 21_000;
const LAST_PORT = 31_999; // below the range from which Linux gives out ports by itself
const MEMBERS_PER_PROCESS = 8;

let nextPort = FIRST_PORT;

/**
 * Raft addresses for `count` members: the same port on hosts `127.a.b.c` that belong to this process alone, so that
 * test files that run at the same time never meet. A second cluster gets the same hosts and another port, as NB and SB
 * have on a real host.
 */
export async function allocateRaftAddresses(count: number): Promise<string[]> {
  const hosts = Array.from({ length: count }, (_, member) => loopbackHost(member));
  for (; nextPort <= LAST_PORT; nextPort += 1) {
    const port = nextPort;
    const free = await Promise.all(hosts.map((host) => isFree(host, port)));
    if (!free.every(Boolean)) continue;
    nextPort += 1;
    return hosts.map((host) => `tcp:${host}:${String(port)}`);
  }
  throw new Error(`no port between ${String(FIRST_PORT)} and ${String(LAST_PORT)} is free`);
}

/** Spreads (process id, member) over 127.16.0.0 to 127.143.255.255; 127.0.0.0/16 stays for people. */
function loopbackHost(member: number): string {
  const number = (process.pid * MEMBERS_PER_PROCESS + member + 1) & 0x7f_ffff;
  return `127.${String(16 + (number >> 16))}.${String((number >> 8) & 255)}.${String(number & 255)}`;
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => {
    resolve(false);
  });
  server.listen(port, host, () => {
    server.close(() => {
      resolve(true);
    });
  });
  return await promise;
}
