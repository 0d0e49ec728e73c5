/** `340 ms`, `12 s`, `5 min`, `3 h`, `8 days`: a duration for people, rounded down to one unit. */
export function humanDuration(ms: number): string {
  if (ms < 1_000) return `${String(Math.max(0, Math.floor(ms)))} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${String(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${String(hours)} h` : `${String(Math.floor(hours / 24))} days`;
}

/** `12 s ago`, or `never` for null. An age below a second is `now`. */
export function humanAge(ageMs: number | null): string {
  if (ageMs === null) return 'never';
  return ageMs < 1_000 ? 'now' : `${humanDuration(ageMs)} ago`;
}

/** The age of an ISO time, seen from `nowMs` on the wall clock; null for null or for a text that is no time. */
export function ageOf(isoTime: string | null, nowMs: number): number | null {
  if (isoTime === null) return null;
  const atMs = Date.parse(isoTime);
  return Number.isNaN(atMs) ? null : Math.max(0, nowMs - atMs);
}
