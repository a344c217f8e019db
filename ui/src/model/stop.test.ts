import { expect, test } from 'vitest';

import { stopWords } from './stop';

test('what is asked is what will happen', () => {
  expect(stopWords('process', 'A')?.says).toContain('asked to end, and forced');
  expect(stopWords('task', 'A')?.says).toContain('which is cancelled');
  expect(stopWords('turn', 'A')?.says).toContain('only its turn is interrupted');
  expect(stopWords('turn', 'A')?.act).toBe('Interrupt turn');
  expect(stopWords('none', 'A')).toBeNull();
});
