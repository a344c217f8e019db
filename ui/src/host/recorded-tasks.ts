/** The delegated tasks of the recording: every state and outcome once. */
import type { Task } from '../bindings/Task';
import type { TaskRequest } from '../bindings/TaskRequest';
import { idOf, iso } from './recorded-sessions';

/** What differs from task to task. */
interface Sketch extends Partial<Task> {
  readonly n: number;
  readonly title: string;
  readonly project: string;
}

/** Returns the id of a recorded task. */
export const taskIdOf = (n: number): string =>
  `0199a6c2-0000-7000-8000-0000000000${String(n).padStart(2, '0')}`;

/** Returns a task drawn from its sketch. */
function task({ n, project, ...rest }: Sketch): Task {
  return {
    task_id: taskIdOf(n),
    thread_id: null,
    turn_id: null,
    session_id: null,
    kind: 'run',
    cwd: `/home/dev/src/${project}`,
    sandbox: 'read-only',
    model: 'gpt-6.1-sol',
    cloud: null,
    group_id: null,
    tags: [],
    status: 'queued',
    outcome: null,
    phase: null,
    progress: { done: 0, total: 0, percent: null, current: null },
    need: null,
    queue_position: null,
    created_at: iso(460),
    started_at: null,
    updated_at: iso(4),
    ended_at: null,
    elapsed_ms: 0,
    poll_after_ms: 1000,
    summary: '',
    final_message: null,
    files: [],
    commands: [],
    tests: [],
    usage: null,
    git: null,
    warnings: [],
    error: null,
    truncated: {},
    links: [],
    next: [],
    evidence: [],
    ...rest,
  };
}

/** Returns the tasks as they stand at the recording's moment. */
export function recordedTasks(): Task[] {
  return [...goingTasks(), ...endedTasks()];
}

function goingTasks(): Task[] {
  return [
    task({
      n: 1,
      title: 'Replace moment with Temporal',
      project: 'atlas-web',
      thread_id: idOf(9).slice('codex:'.length),
      session_id: idOf(9),
      sandbox: 'workspace-write',
      status: 'running',
      phase: 'running_command',
      progress: { done: 2, total: 5, percent: 40, current: 'pnpm vitest run src/charts' },
      started_at: iso(451),
      elapsed_ms: 451_000,
      usage: { input: 81_000, cached: 70_000, output: 7000, covers: 'task' },
      git: {
        base: '4e1c09a7d2f0',
        head: null,
        branch: 'mc/temporal',
        worktree: '/home/dev/.local/state/mission-control/worktrees/temporal',
        diffstat: null,
      },
    }),
    task({
      n: 2,
      title: 'Find out why the nightly import is slow',
      project: 'tidewatch',
      status: 'running',
      phase: 'thinking',
      started_at: iso(130),
      updated_at: iso(128),
      elapsed_ms: 130_000,
    }),
    task({
      n: 3,
      title: 'Rotate the staging certificates',
      project: 'homelab',
      sandbox: 'danger-full-access',
      status: 'input_required',
      created_at: iso(75),
      need: {
        kind: 'approval',
        summary:
          'Run without a sandbox?\nRotate the staging certificates and restart the proxies, then check every host name of the list in hosts/staging.txt.',
        request_id: 'danger-full-access',
        can_answer: true,
        choices: ['accept', 'decline'],
      },
    }),
    task({
      n: 4,
      title: 'Nightly dependency audit',
      project: 'ledger-api',
      queue_position: 1,
      created_at: iso(40),
    }),
    task({
      n: 5,
      title: 'Translate the error pages',
      project: 'atlas-web',
      sandbox: 'workspace-write',
      queue_position: 2,
      created_at: iso(12),
    }),
  ];
}

const REVIEW = `Three findings, all fixed in the worktree.

1. **Serious:** rows booked between 23:00 and midnight UTC were exported twice when the ledger’s day is not UTC. \`rows_for_day\` now takes the ledger’s zone.
2. A refund without a parent transfer stopped the whole file; it is now written with an empty reference and a warning.
3. Amounts were formatted through \`f64\`. They stay integers until the last step.`;

function endedTasks(): Task[] {
  const command = (text: string, code: number, output = ''): Task['commands'][number] => ({
    command: text,
    status: code === 0 ? 'completed' : 'failed',
    exit_code: code,
    output,
  });
  return [
    task({
      n: 6,
      title: 'Review the settlement export',
      project: 'ledger-api',
      thread_id: idOf(16).slice('codex:'.length),
      session_id: idOf(16),
      sandbox: 'workspace-write',
      status: 'completed',
      outcome: 'succeeded',
      created_at: iso(3140),
      started_at: iso(3134),
      ended_at: iso(1330),
      elapsed_ms: 1_804_000,
      summary: 'Three findings, all fixed; 62 tests pass.',
      final_message: REVIEW,
      files: [
        { path: 'src/settlement/export.rs', kind: 'updated', seen_by: 'both' },
        { path: 'src/settlement/rows.rs', kind: 'updated', seen_by: 'both' },
        { path: 'tests/settlement_export.rs', kind: 'added', seen_by: 'both' },
        { path: 'CHANGELOG.md', kind: 'updated', seen_by: 'git_only' },
      ],
      commands: [
        command('rg -n "f64" src/settlement', 0, 'src/settlement/export.rs:88: as f64'),
        command('sed -n 1,140p src/settlement/rows.rs', 0, '…'),
        command('cargo test -p ledger-settlement', 101, 'test rows_for_day ... FAILED'),
        command('cargo test -p ledger-settlement', 0, 'test result: ok. 62 passed; 0 failed'),
        command('cargo clippy -p ledger-settlement -- -D warnings', 0),
        command('git diff --stat main', 0, '4 files changed, 125 insertions(+), 30 deletions(-)'),
      ],
      tests: [
        {
          parser: 'cargo',
          confidence: 'high',
          command: 'cargo test -p ledger-settlement',
          passed: 62,
          failed: 0,
          skipped: 1,
          failed_names: [],
        },
      ],
      usage: { input: 181_000, cached: 158_000, output: 22_000, covers: 'task' },
      git: {
        base: '4e1c09a7d2f01b',
        head: '4e1c09a7d2f01b',
        branch: 'mc/settlement-review',
        worktree: '/home/dev/.local/state/mission-control/worktrees/settlement-review',
        diffstat: { files: 4, insertions: 125, deletions: 30 },
      },
      warnings: ['`CHANGELOG.md` changed although the agent did not report it.'],
      truncated: { commands: { shown: 6, total: 23 } },
      links: [
        { rel: 'result', target: `~/.local/state/mission-control/tasks/${taskIdOf(6)}/result.md` },
      ],
      next: ['`mission-control reply` goes on with this thread.'],
      evidence: [
        { from: 'events', says: 'the turn completed and a final answer is there' },
        { from: 'exit', says: 'the process exited with 0' },
        { from: 'git', says: 'files on disk match the reported edits, and one more' },
      ],
    }),
    task({
      n: 7,
      title: 'Upgrade the Terraform providers',
      project: 'homelab',
      thread_id: '019a6c2e-0000-7000-8000-000000000007',
      sandbox: 'workspace-write',
      status: 'timed_out',
      outcome: 'partial',
      created_at: iso(9100),
      started_at: iso(9000),
      ended_at: iso(7200),
      elapsed_ms: 1_800_000,
      summary: 'Timed out after 30m 0s; two of five providers were upgraded.',
      files: [
        { path: 'providers.tf', kind: 'updated', seen_by: 'both' },
        { path: '.terraform.lock.hcl', kind: 'updated', seen_by: 'agent_only' },
      ],
      commands: [
        command('terraform init -upgrade', 0, 'Upgrading hashicorp/aws'),
        {
          command: 'terraform plan',
          status: 'running',
          exit_code: null,
          output: 'Refreshing state',
        },
      ],
      tests: [
        {
          parser: 'go_test',
          confidence: 'low',
          command: 'go test ./...',
          passed: 11,
          failed: 1,
          skipped: 0,
          failed_names: ['TestPlan/refreshes_only_once'],
        },
      ],
      usage: { input: 402_000, cached: 377_000, output: 31_000, covers: 'thread' },
      error: {
        code: 'TIMEOUT_HARD',
        message: 'Timed out after 30m 0s (limit 30m 0s).',
        retryable: true,
        hint: 'Go on with a reply, or ask again with a longer limit; `0` means no limit.',
        stderr_tail: 'Acquiring state lock. This may take a few moments...',
      },
      evidence: [
        { from: 'supervisor', says: 'the total time limit was reached' },
        { from: 'git', says: '1 file changed' },
      ],
    }),
    task({
      n: 8,
      title: 'Explain the flaky ingest test',
      project: 'tidewatch',
      status: 'completed',
      outcome: 'succeeded',
      kind: 'resume',
      created_at: iso(11_000),
      started_at: iso(10_990),
      ended_at: iso(10_800),
      elapsed_ms: 190_000,
      summary: 'The test depends on the order of two timers.',
      final_message: 'The test depends on the order of two timers.',
      evidence: [{ from: 'events', says: 'the turn completed and a final answer is there' }],
    }),
    task({
      n: 9,
      title: 'Port the exporter to the new schema',
      project: 'ledger-api',
      status: 'interrupted',
      outcome: 'unknown',
      created_at: iso(20_000),
      started_at: iso(19_990),
      ended_at: iso(19_000),
      elapsed_ms: 990_000,
      error: {
        code: 'INTERRUPTED',
        message: 'The supervisor was lost while the task ran, and the agent ended unseen.',
        retryable: true,
        hint: 'Go on with a reply: the thread can be resumed.',
        stderr_tail: null,
      },
    }),
  ];
}

/** Returns the task that `request` starts. */
export function asked(request: TaskRequest, n: number): Task {
  return task({
    n,
    title: request.prompt.split('\n', 1)[0] ?? '',
    project: '',
    cwd: request.cwd ?? '/',
    sandbox: request.sandbox,
    model: request.model,
    queue_position: 3,
    created_at: new Date().toISOString(),
    updated_at: new Date().toISOString(),
  });
}

const LOG = `task  Starts: codex exec --json --sandbox workspace-write
agent Plan: 2 of 5 steps done
agent Says: Helpers are in src/time.ts, the polyfill loads only where Temporal is missing.
agent Runs: pnpm tsc --noEmit
agent Ran with code 0, 0 B of output: pnpm tsc --noEmit
agent Changed: src/time.ts
agent Runs: pnpm vitest run src/time
agent Ran with code 0, 412 B of output: pnpm vitest run src/time
agent Thinks: Axes next. Two call sites still use moment.duration.
agent Runs: rg -n "moment" src/charts
agent Ran with code 0, 688 B of output: rg -n "moment" src/charts
agent Changed: src/charts/axis.ts, src/charts/tooltip.ts
agent Runs: pnpm vitest run src/charts
agent Ran with code 1, 2240 B of output: pnpm vitest run src/charts
agent Says: Both tests expect a wall-clock label. PlainDateTime is wrong here, ZonedDateTime keeps the offset.
agent Warns: The network was slow.
agent Changed: src/charts/axis.ts
agent Runs: pnpm vitest run src/charts`.split('\n');

/** Returns the lines of a recorded log from line `from` to line `to`, each with its time. */
export function recordedLog(from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1)
    text += `${iso(Math.max(0, 240 - at * 9))} ${LOG[at % LOG.length] ?? ''}\n`;
  return text;
}
