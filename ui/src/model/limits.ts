/** Turns an account's usage limits into the bars below the projects. */
import type { RateLimit } from '../bindings/RateLimit';
import type { RateLimits } from '../bindings/RateLimits';
import { moment, resetTime } from './format';

/** One bar. */
export interface LimitBar {
  readonly label: string;
  readonly percent: number;
  readonly says: string;
  readonly high: boolean;
}

/** From here on a limit is worth a colour. */
const HIGH_PERCENT = 80;

/** Returns the bars of `limits`, called by the agent's name. */
export function limitBars(agent: string, limits: RateLimits | null, now: number): LimitBar[] {
  return [limits?.primary ?? null, limits?.secondary ?? null].flatMap((limit) =>
    limit === null ? [] : [bar(agent, limit, now)],
  );
}

function bar(agent: string, limit: RateLimit, now: number): LimitBar {
  const resets = moment(limit.resets_at);
  const over = resets !== null && resets <= now;
  const percent = over ? 0 : Math.min(100, Math.round(limit.used_percent));
  const when = resets === null || over ? '' : `, resets ${resetTime(resets, now)}`;
  return {
    label: `${agent} ${windowName(limit.window_minutes)}`.trim(),
    percent,
    says: `${percent}%${when}`,
    high: percent >= HIGH_PERCENT,
  };
}

/** Returns the name of a limit's window: `5 h`, `week`. */
export function windowName(minutes: number | null): string {
  if (minutes === null) return 'limit';
  const near = (other: number): boolean => Math.abs(minutes - other) <= other * 0.02;
  if (near(10_080)) return 'week';
  if (near(1440)) return 'day';
  if (near(43_200)) return 'month';
  if (minutes >= 1440) return `${Math.round(minutes / 1440)} d`;
  return minutes >= 60 ? `${Math.round(minutes / 60)} h` : `${minutes} min`;
}
