import { createHash, hash } from 'node:crypto';
import {
  type Frame,
  type FrameHeader,
  MAX_HEADER_BYTES,
  isBegunHeader,
  parseFrameHeader,
} from './log-frame.ts';
import type { LogWindow } from './log-window.ts';

const SHOWN_CHARS = 60;

/** Takes in the records of a file. A body may come in many pieces. */
export interface FrameSink {
  begin(): void;
  /** A piece of the body: `bytes` from `start` up to `end`, valid during the call only. */
  body(bytes: Buffer, start: number, end: number): void;
  /** The checksum was right. Without this call the body that began must be forgotten. */
  end(frame: Frame): void;
}

/** Why reading in order stopped. */
export type FrameStop = { readonly reason: 'end'; readonly offset: number } | BadFrame;

export interface BadFrame {
  /** `begun` and `incomplete`: what a record looks like while it is being written. */
  readonly reason: 'header' | 'checksum' | 'begun' | 'incomplete';
  /** Of the record that is bad. */
  readonly offset: number;
  readonly detail: string;
  /** Bytes hashed in vain. */
  readonly wastedBytes: number;
}

/** Reads records one after the other from `offset` until the end of the file or the first bad one. */
export async function readFrames(window: LogWindow, offset: number, sink: FrameSink): Promise<FrameStop> {
  let next = offset;
  for (;;) {
    if (!window.holds(next, MAX_HEADER_BYTES)) await window.load(next);
    if (next >= window.sizeBytes) return { reason: 'end', offset: next };
    const at = next - window.start;
    const header = parseFrameHeader(window.bytes, at, window.heldBytes);
    if (header === null) return badHeader(window, next);
    const frame = { offset: next, bodyOffset: next + header.headerBytes, bodyBytes: header.bodyBytes };
    const end = frame.bodyOffset + frame.bodyBytes;
    if (end > window.sizeBytes) return incomplete(window, frame);
    if (!window.holds(next, end - next)) await window.load(next);
    const isRight = window.holds(next, end - next)
      ? readWhole(window, frame, header, sink)
      : await readInPieces(window, frame, header, sink);
    if (!isRight) return end > window.sizeBytes ? incomplete(window, frame) : wrongChecksum(frame, header);
    sink.end(frame);
    next = end;
  }
}

function readWhole(window: LogWindow, frame: Frame, header: FrameHeader, sink: FrameSink): boolean {
  const start = frame.bodyOffset - window.start;
  const end = start + frame.bodyBytes;
  if (hash('sha1', window.bytes.subarray(start, end), 'hex') !== header.sha1) return false;
  sink.begin();
  sink.body(window.bytes, start, end);
  return true;
}

async function readInPieces(
  window: LogWindow,
  frame: Frame,
  header: FrameHeader,
  sink: FrameSink,
): Promise<boolean> {
  const sum = createHash('sha1');
  sink.begin();
  let at = frame.bodyOffset;
  for (let left = frame.bodyBytes; left > 0; ) {
    await window.load(at);
    const piece = Math.min(left, window.heldBytes);
    if (piece === 0) return false;
    sum.update(window.bytes.subarray(0, piece));
    sink.body(window.bytes, 0, piece);
    at += piece;
    left -= piece;
  }
  return sum.digest('hex') === header.sha1;
}

function badHeader(window: LogWindow, offset: number): BadFrame {
  const start = offset - window.start;
  const end = Math.min(window.heldBytes, start + MAX_HEADER_BYTES);
  const isLast = window.start + end === window.sizeBytes;
  const shown = describe(window.bytes.subarray(start, end));
  if (isLast && isBegunHeader(window.bytes, start, end)) {
    return { reason: 'begun', offset, detail: `${shown} is the beginning of a header line`, wastedBytes: 0 };
  }
  return { reason: 'header', offset, detail: `${shown} is no header line`, wastedBytes: 0 };
}

/** The first line, as far as it is text: a damaged disk gives back anything. */
function describe(bytes: Buffer): string {
  if (bytes.every((byte) => byte === 0)) return `a run of at least ${String(bytes.length)} zero bytes`;
  const line = bytes.toString('latin1').split('\n', 1)[0] ?? '';
  return `"${line.slice(0, SHOWN_CHARS).replaceAll(/[^\x20-\x7e]/g, '.')}"`;
}

function incomplete(window: LogWindow, frame: Frame): BadFrame {
  const present = window.sizeBytes - frame.bodyOffset;
  const detail = `${String(frame.bodyBytes)} bytes announced, ${String(present)} present`;
  return { reason: 'incomplete', offset: frame.offset, detail, wastedBytes: 0 };
}

function wrongChecksum(frame: Frame, header: FrameHeader): BadFrame {
  const detail = `${String(frame.bodyBytes)} bytes do not have SHA-1 ${header.sha1}`;
  return { reason: 'checksum', offset: frame.offset, detail, wastedBytes: frame.bodyBytes };
}
