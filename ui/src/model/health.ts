/** Orders and words what was found on this machine. */
import type { Check } from '../bindings/Check';
import type { CheckState } from '../bindings/CheckState';
import type { HealthReport } from '../bindings/HealthReport';
import type { Look } from './look';
import { unreachable } from './unreachable';

/** Returns how the outcome of a check looks. */
export function checkLook(state: CheckState): Look {
  switch (state) {
    case 'ok':
      return { tone: 'done', glyph: 'done', word: 'good' };
    case 'absent':
      return { tone: 'done', glyph: 'closed', word: 'absent' };
    case 'warning':
      return { tone: 'needs', glyph: 'needs', word: 'to do' };
    case 'problem':
      return { tone: 'failed', glyph: 'failed', word: 'problem' };
    default:
      return unreachable(state);
  }
}

function urgency(state: CheckState): number {
  switch (state) {
    case 'problem':
      return 0;
    case 'warning':
      return 1;
    case 'ok':
    case 'absent':
      return 2;
    default:
      return unreachable(state);
  }
}

/** Returns `checks` with what needs doing first, else in the order they came. */
export function byUrgency(checks: readonly Check[]): Check[] {
  return [...checks].sort((a, b) => urgency(a.state) - urgency(b.state));
}

/** Returns how many checks need doing something. */
export function toDo(report: HealthReport): number {
  return report.checks.filter((check) => urgency(check.state) < 2).length;
}

/** Returns the report as text to paste. */
export function reportText(report: HealthReport): string {
  const lines = byUrgency(report.checks).map((check) => {
    const hint = check.hint === null ? '' : `\n    ${check.hint}`;
    const supply = check.evidence === null ? '' : ` (${check.evidence.supply})`;
    return `[${checkLook(check.state).word}] ${check.label}${supply}: ${check.says}${hint}`;
  });
  return [`Mission Control ${report.version}`, ...lines].join('\n');
}
