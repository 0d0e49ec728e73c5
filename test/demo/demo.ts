import { messageOf } from '../../src/lib/errors.ts';
import { HELP, parseOptions } from './options.ts';
import { judge } from './proof.ts';
import { renderClaims, renderComparison, renderTimes } from './render-proof.ts';
import { type Stage, clearStage, makeStage } from './stage.ts';
import { type BreakableStep, StepError } from './step.ts';
import { play } from './story.ts';
import { Timeline, paint } from './timeline.ts';

/** Signals by which a person or a supervisor ends the demo, with the exit codes that a shell expects. */
const ENDINGS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const timeline = new Timeline(process.stdout, process.env);
let isEnding = false;

const options = parseOptions(process.argv.slice(2));
if (options.kind === 'help') process.stdout.write(HELP);
else if (options.kind === 'wrong') {
  process.stderr.write(`demo: ${options.message}\n`);
  process.exitCode = 2;
} else await runDemo(options.broken, options.keep);

async function runDemo(broken: BreakableStep | null, keep: boolean): Promise<void> {
  const stage = makeStage();
  endOnSignals(stage);
  const failedStep = await playAndProve(stage, broken);
  if (isEnding) return;
  process.exitCode = failedStep === null ? 0 : 1;
  if (keep) await keepRunning(stage);
  // A failed run leaves its files: the logs say why.
  await clearStage(stage, failedStep !== null);
}

/** The step that failed, null when everything is as it must be. */
async function playAndProve(stage: Stage, broken: BreakableStep | null): Promise<string | null> {
  try {
    const { withAgents, without } = await play({ stage, timeline, broken });
    const claims = judge(withAgents, without);
    print(renderComparison(withAgents, without));
    print(['', ...renderTimes(withAgents.faults)]);
    print(['', ...renderClaims(claims, timeline.isColoured)]);
    const firstFalse = claims.find(({ isTrue }) => !isTrue);
    if (firstFalse !== undefined) throw new StepError(firstFalse.step, firstFalse.text);
    const text = `\nPASSED in ${timeline.secondsSinceStart()} s: nothing lost with agents, acknowledged writes lost without.`;
    print([paint(text, 'good', timeline.isColoured)]);
    return null;
  } catch (error) {
    if (isEnding) return 'interrupted';
    const step = error instanceof StepError ? error.step : 'demo';
    print([paint(`\nFAILED at step "${step}": ${messageOf(error)}`, 'bad', timeline.isColoured)]);
    const logs = stage.agents.map(({ logFile }) => logFile);
    print(logs.length === 0 ? [`files: ${stage.dir}`] : ['logs of the agents:', ...logs.map(indent)]);
    return step;
  }
}

async function keepRunning(stage: Stage): Promise<void> {
  print(['', 'Left running until Ctrl-C:']);
  for (const { node, httpUrl, configFile } of stage.agents) {
    print([indent(`${node}  ${httpUrl}  ${configFile}`)]);
  }
  // One that was damaged and has healed something.
  const config = stage.agents.at(-1)?.configFile;
  if (config !== undefined) {
    print(['Try:', indent(`bin/ovn-warden status --config ${config}`)]);
    print([indent(`bin/ovn-warden explain nb --config ${config}`)]);
  }
  for (const { name, clusters } of stage.worlds) {
    const files = clusters.nb.members.map(({ paths }) => paths.file);
    print([`NB files ${name}:`, ...files.map((file) => indent(`bin/ovn-warden verify ${file}`))]);
  }
  // Ends by a signal only; the timer keeps the process alive.
  await new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1));
}

function endOnSignals(stage: Stage): void {
  const end = (exitCode: number): void => {
    if (isEnding) return;
    isEnding = true;
    print(['', 'stopped; ending all processes and removing all files']);
    void clearStage(stage, false).finally(() => process.exit(exitCode));
  };
  for (const [signal, exitCode] of Object.entries(ENDINGS))
    process.on(signal, () => {
      end(exitCode);
    });
  // The reader of a pipe has seen enough.
  process.stdout.on('error', () => {
    end(1);
  });
}

function print(lines: readonly string[]): void {
  for (const line of lines) timeline.print(line);
}

function indent(line: string): string {
  return `  ${line}`;
}
