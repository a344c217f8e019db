/** Checks the short names of homes. */
import { expect, test } from 'vitest';

import { nameHomes } from './homes';

const codex = (home: string | null) => ({ source: 'codex' as const, home });

test('an agent with one home needs no names', () => {
  const claude = { source: 'claude_code' as const, home: '/home/dev/.claude' };

  expect(nameHomes([codex('/home/dev/.codex'), codex(null), claude])).toEqual(new Map());
});

test('a home is named by as much of its path as tells it from the others', () => {
  const homes = ['/home/dev/.codex', '/home/dev/clients/.codex', '/srv/codex-two'];

  expect([...nameHomes(homes.map(codex)).values()]).toEqual([
    'dev/.codex',
    'clients/.codex',
    'codex-two',
  ]);
});
