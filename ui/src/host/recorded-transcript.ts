/** The transcript of the recording. */
import type { Entry } from '../bindings/Entry';
import type { SessionId } from '../bindings/SessionId';
import type { TranscriptPage } from '../bindings/TranscriptPage';

type EntryBody = Entry extends infer One
  ? One extends Entry
    ? Omit<One, 'key' | 'at' | 'turn_id'>
    : never
  : never;

const DIFF = `@@ -88,7 +88,14 @@ impl Delivery
     async fn attempt(&mut self) -> Outcome {
-        let response = self.client.post(&self.url).send().await;
+        let delay = backoff(self.attempts, &self.policy);
+        self.clock.sleep(delay).await;
+        let response = self.client.post(&self.url)
+            .timeout(self.policy.per_attempt)
+            .send().await;
`;

const ran = (command: string, duration_ms: number): EntryBody => ({
  type: 'command',
  command,
  cwd: null,
  status: 'completed',
  exit_code: 0,
  output: 'src/webhooks/deliver.rs:88:    async fn attempt(&mut self) -> Outcome {',
  duration_ms,
});

const BODIES: readonly EntryBody[] = [
  { type: 'turn_started', model: 'gpt-6.1-sol' },
  {
    type: 'prompt',
    text: 'Where do we send webhooks, and what happens when the receiver is down?',
  },
  ran("rg -n 'webhook' src", 300),
  {
    type: 'message',
    text: '## Today\n\nDeliveries are sent **once**, from `deliver()`:\n\n1. the event is stored,\n2. one request is made,\n3. a failure is logged and *forgotten*.\n\n| file | role |\n|---|---|\n| `deliver.rs` | sends |\n| `queue.rs` | stores |\n\n```rust\nlet response = self.client.post(&self.url).send().await;\n```',
    is_final: true,
  },
  { type: 'turn_ended', outcome: 'completed', message: null, duration_ms: 42_000 },
  { type: 'turn_started', model: 'gpt-6.1-sol' },
  {
    type: 'prompt',
    text: 'Deliveries that fail should be retried with exponential backoff, at most 6 attempts, and every attempt must be recorded. Keep the public API as it is.',
  },
  {
    type: 'message',
    text: 'I will add a `delivery_attempts` table, put the policy in `RetryPolicy` and keep `deliver()` unchanged for callers.',
    is_final: false,
  },
  ran("rg -n 'fn attempt' src", 200),
  ran("sed -n '80,120p' src/webhooks/deliver.rs", 100),
  ran('cargo check -p ledger-webhooks', 18_400),
  ran('git status --short', 300),
  { type: 'reasoning', text: 'The clock is injected, so the delay can be tested without waiting.' },
  {
    type: 'file_changes',
    status: 'completed',
    changes: [
      {
        path: '/home/dev/src/ledger-api/src/webhooks/deliver.rs',
        moved_to: null,
        kind: 'updated',
        n_added: 5,
        n_removed: 1,
        diff: DIFF,
      },
    ],
  },
  {
    type: 'sub_agent',
    thread_id: null,
    text: 'Check every caller of deliver(): 11 call sites, none depends on a single attempt. `jobs/replay.rs:41` sleeps by itself and would wait twice.',
    status: 'completed',
  },
  {
    type: 'command',
    command: 'cargo test -p ledger-webhooks',
    cwd: null,
    status: 'failed',
    exit_code: 101,
    output:
      'test retry::records_each_attempt ... FAILED\nerror: relation "delivery_attempts" does not exist\ntest result: FAILED. 30 passed; 1 failed; 0 ignored',
    duration_ms: 14_200,
  },
  {
    type: 'message',
    text: 'Backoff is in place. The failing test needs the migration in the local test database, which my sandbox cannot reach.',
    is_final: false,
  },
];

/** Returns what follows `cursor` in the transcript of `id`, told `times` over. */
export function recordedPage(id: SessionId, cursor: string | null, times: number): TranscriptPage {
  const bodies = Array.from({ length: times }, () => BODIES).flat();
  const entries = bodies.map((body, index): Entry => ({
    key: `${id}/${index}`,
    at: new Date(Date.now() - (bodies.length - index) * 13_000).toISOString(),
    turn_id: index % BODIES.length < 5 ? 'turn-0' : 'turn-1',
    ...body,
  }));
  return {
    entries: cursor === null ? entries : [],
    cursor: String(entries.length),
    reset: false,
    truncated: false,
    skipped_lines: 0,
  };
}
