import type { z } from 'zod';
import type { PeerAddress, PeerClient } from '../../src/peers/peer-client.ts';

/** Siblings whose answers are what the test says, whatever they are asked; the questions are noted. */
export class ScriptedPeers implements PeerClient {
  /** By node; an error is thrown. */
  answers: Readonly<Record<string, unknown>> = {};
  readonly asked: string[] = [];

  async getJson<T>(peer: PeerAddress, path: string, schema: z.ZodType<T>): Promise<T> {
    return await this.postJson(peer, path, null, schema);
  }

  async postJson<T>(peer: PeerAddress, path: string, _body: unknown, schema: z.ZodType<T>): Promise<T> {
    this.asked.push(`${peer.node} ${path}`);
    const answer: unknown = await Promise.resolve(this.answers[peer.node]);
    if (answer instanceof Error) throw answer;
    return schema.parse(answer);
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
