import type { ScannedMember } from './log-json-scanner.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
/** As `raft_address_validate` in OVS `ovsdb/raft-private.c`: a host, which may be a name, and a port. */
const ADDRESS = /^(?:unix:|(?:tcp|ssl):(?:\[[^\]]+\]|[^:\[\]]+):(?<port>\d{1,5})$)/;
const MAX_PORT = 65_535;

/**
 * Reads the members of one object the way the server does: each is asked for once, with its type, and none may be left
 * over (`ovsdb_parser` in OVS `lib/ovsdb-parser.c`). The first complaint is kept.
 */
export class MemberParser {
  readonly #members: ReadonlyMap<string, ScannedMember>;
  #used = 0;
  #complaint: string | null = null;

  constructor(members: ReadonlyMap<string, ScannedMember>) {
    this.#members = members;
  }

  complain(reason: string): void {
    this.#complaint ??= reason;
  }

  /** The complaint about the whole object, or null. To be called when nothing more will be asked for. */
  finish(asked: ReadonlySet<string>): string | null {
    if (this.#complaint !== null || this.#used === this.#members.size) return this.#complaint;
    const stranger = [...this.#members.keys()].find((name) => !asked.has(name));
    return `member "${stranger ?? ''}" is not allowed here`;
  }

  has(name: string, types: readonly ScannedMember['type'][], isRequired = false): boolean {
    return this.#take(name, types, isRequired) !== null;
  }

  /** A uint64: values from 2^63 on are written as negative numbers (`raft_put_uint64` in OVS `ovsdb/raft-private.c`). */
  uint64(name: string, isRequired = false): number {
    const member = this.#take(name, ['number'], isRequired);
    if (member === null) return 0;
    const value = Number(member.text);
    if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63) {
      this.complain(`"${name}" is not an integer`);
      return 0;
    }
    return value < 0 ? value + 2 ** 64 : value;
  }

  string(name: string, isRequired = false): string | null {
    const member = this.#take(name, ['string'], isRequired);
    if (member === null) return null;
    const value = this.#parse(name, member);
    return typeof value === 'string' ? value : null;
  }

  /** A UUID in lower case. */
  uuid(name: string, isRequired = false): string | null {
    const text = this.string(name, isRequired);
    if (text === null) return null;
    if (UUID.test(text)) return text.toLowerCase();
    this.complain(`"${name}" is not a UUID`);
    return null;
  }

  /** A UUID that says who: all zeros is nobody. */
  serverId(name: string): string | null {
    const uuid = this.uuid(name);
    if (uuid === NIL_UUID) this.complain(`"${name}" is the all-zeros server id`);
    return uuid;
  }

  /** A list of members: server id to address. Null when absent. */
  servers(name: string, isRequired = false): ReadonlyMap<string, string> | null {
    const member = this.#take(name, ['object'], isRequired);
    if (member === null) return null;
    const servers = new Map<string, string>();
    const value = this.#parse(name, member);
    if (typeof value !== 'object' || value === null) return null;
    for (const [id, address] of Object.entries(value) as [string, unknown][]) {
      if (!UUID.test(id)) this.complain(`"${name}" names a server that is not a UUID`);
      else if (!isAddress(address)) this.complain(`"${name}" has an address that is none`);
      else servers.set(id.toLowerCase(), address);
    }
    if (servers.size === 0) this.complain(`"${name}" must have at least one server`);
    return servers;
  }

  /** A list of addresses. Null when absent. */
  addresses(name: string): readonly string[] | null {
    const member = this.#take(name, ['array']);
    if (member === null) return null;
    const value = this.#parse(name, member);
    if (!Array.isArray(value) || value.length === 0 || !value.every(isAddress)) {
      this.complain(`"${name}" must be a list of at least one address`);
      return [];
    }
    return value;
  }

  #take(name: string, types: readonly ScannedMember['type'][], isRequired = false): ScannedMember | null {
    const member = this.#members.get(name);
    if (member === undefined) {
      if (isRequired) this.complain(`member "${name}" is missing`);
      return null;
    }
    if (!types.includes(member.type)) {
      this.complain(`member "${name}" has the wrong type`);
      return null;
    }
    this.#used += 1;
    return member;
  }

  #parse(name: string, member: ScannedMember): unknown {
    if (member.text === null) {
      this.complain(`member "${name}" is too long`);
      return null;
    }
    if (member.type === 'string' && !member.text.includes('\\')) return member.text.slice(1, -1);
    return JSON.parse(member.text);
  }
}

function isAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const match = ADDRESS.exec(value);
  return match !== null && Number(match.groups?.['port'] ?? 0) <= MAX_PORT;
}
