import { expect, test } from 'vitest';

import type { Delivery } from '../bindings/Delivery';
import type { MessageWay } from '../bindings/MessageWay';
import { aimOf, sentText, wayText, type When } from './message';

const STEER: MessageWay = { type: 'steer', turn_id: 't1' };

test('a message is bound to the turn that was seen to run', () => {
  const cases: [MessageWay, When, unknown][] = [
    [STEER, 'soonest', { type: 'turn', turn_id: 't1' }],
    [STEER, 'idle', { type: 'queue' }],
    [{ type: 'start' }, 'soonest', { type: 'next_turn' }],
    [{ type: 'queue' }, 'soonest', { type: 'queue' }],
    [{ type: 'keep' }, 'soonest', { type: 'queue' }],
    [{ type: 'hold' }, 'soonest', { type: 'queue' }],
    [{ type: 'none', why: 'No.' }, 'soonest', null],
  ];
  for (const [way, when, aim] of cases) expect(aimOf(way, when)).toEqual(aim);
});

test('every way and every delivery has its own words', () => {
  const ways: [MessageWay, When][] = [
    [STEER, 'soonest'],
    [STEER, 'idle'],
    [{ type: 'start' }, 'soonest'],
    [{ type: 'queue' }, 'soonest'],
    [{ type: 'keep' }, 'soonest'],
    [{ type: 'hold' }, 'soonest'],
  ];
  const words = ways.map(([way, when]) => wayText(way, when));
  const deliveries: Delivery[] = ['steered', 'started', 'queued', 'kept', 'held'];

  expect(new Set(words).size).toBe(ways.length);
  expect(wayText({ type: 'none', why: 'No.' }, 'soonest')).toBeNull();
  expect(new Set(deliveries.map(sentText)).size).toBe(deliveries.length);
});
