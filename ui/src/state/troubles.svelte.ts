/** Holds what hampers the program, and what an action of the person ran into. */
import type { HealthReport } from '../bindings/HealthReport';
import type { Problem } from '../bindings/Problem';
import { problemFrom, type Host } from '../host/host';

/** Problems, health and refused actions. */
export class Troubles {
  problems = $state.raw<readonly Problem[]>([]);
  refusal = $state.raw<Problem | null>(null);
  report = $state.raw<HealthReport | null>(null);
  reportProblem = $state.raw<Problem | null>(null);
  checkedAt = $state<number | null>(null);
  checking = $state(false);
  #hidden = $state.raw<ReadonlySet<string>>(new Set());

  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** The problems nobody hid. */
  readonly shown: readonly Problem[] = $derived(
    this.problems.filter((problem) => !this.#hidden.has(problem.code)),
  );

  /** Asks for the problems and listens for their changes. */
  async start(): Promise<void> {
    await this.attempt(async () => {
      await this.#host.onProblems((problems) => {
        this.problems = problems;
      });
      this.problems = await this.#host.problems();
    });
  }

  /** Hides a problem until the window is opened again. */
  hide(problem: Problem): void {
    this.#hidden = new Set(this.#hidden).add(problem.code);
  }

  /** Looks at everything again. */
  async check(): Promise<void> {
    this.checking = true;
    try {
      this.report = await this.#host.health();
      this.reportProblem = null;
      this.checkedAt = Date.now();
    } catch (error) {
      this.reportProblem = problemFrom(error);
    }
    this.checking = false;
  }

  /** Runs an action of the person; what it ran into is shown above the page. */
  attempt(action: () => Promise<void>): Promise<void> {
    return this.attemptAndTell(async () => {
      await action();
      return null;
    });
  }

  /** Does the same for an action that resolves with what is worth knowing although it was done. */
  async attemptAndTell(action: () => Promise<Problem | null>): Promise<void> {
    try {
      this.refusal = await action();
    } catch (error) {
      this.refusal = problemFrom(error);
    }
  }
}
