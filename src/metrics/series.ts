import { Counter, Gauge, type Registry, collectDefaultMetrics } from 'prom-client';

const PREFIX = 'ovn_warden_';

/** Metrics that Node's defaults contain and `promtool check metrics` finds fault with. */
const ILL_NAMED_DEFAULTS = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

/** Every value that a label can have: what the series are initialised with. */
export type LabelValues<L extends string> = Readonly<Record<L, readonly string[]>>;

/** A gauge with all its series present from the start, at `initial`. */
export function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: LabelValues<L>,
  initial = 0,
): Gauge<L> {
  const made = new Gauge<L>({
    name: PREFIX + name,
    help,
    labelNames: namesOf(labels),
    registers: [registry],
  });
  for (const combination of combinations(labels)) made.set(combination, initial);
  return made;
}

/** A counter with all its series present from the start, at 0. */
export function counter<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: LabelValues<L>,
): Counter<L> {
  const made = new Counter<L>({
    name: PREFIX + name,
    help,
    labelNames: namesOf(labels),
    registers: [registry],
  });
  for (const combination of combinations(labels)) made.inc(combination, 0);
  return made;
}

/** Process and event loop, as Node's Prometheus client names them. */
export function addDefaultMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of ILL_NAMED_DEFAULTS) registry.removeSingleMetric(name);
}

function namesOf<L extends string>(labels: LabelValues<L>): L[] {
  return Object.keys(labels) as L[];
}

/** Every combination of label values: one empty one when there are no labels. */
function combinations<L extends string>(labels: LabelValues<L>): Record<L, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const name of namesOf(labels))
    all = all.flatMap((partial) => labels[name].map((value) => ({ ...partial, [name]: value })));
  return all;
}
