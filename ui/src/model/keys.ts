/** Says which command a key press means. */

/** What a key can ask for. */
export type Command =
  | 'next'
  | 'previous'
  | 'first'
  | 'last'
  | 'next_need'
  | 'open'
  | 'back'
  | 'filter'
  | 'keys'
  | 'sessions'
  | 'health'
  | 'tasks'
  | 'new_task'
  | 'approve'
  | 'decline'
  | 'layout'
  | 'why'
  | 'go_to_terminal'
  | 'open_folder'
  | 'copy_resume';

/** The parts of a keyboard event that decide. */
export interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** Where the press happened: a field keeps its keys, the filter its letters, a control its Enter. */
export type Target = 'page' | 'control' | 'filter' | 'field';

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['j', 'next'],
  ['ArrowDown', 'next'],
  ['k', 'previous'],
  ['ArrowUp', 'previous'],
  ['Home', 'first'],
  ['End', 'last'],
  ['u', 'next_need'],
  ['Enter', 'open'],
  ['Escape', 'back'],
  ['/', 'filter'],
  ['?', 'keys'],
  ['1', 'sessions'],
  ['2', 'health'],
  ['3', 'tasks'],
  ['n', 'new_task'],
  ['a', 'approve'],
  ['d', 'decline'],
  ['l', 'layout'],
  ['w', 'why'],
  ['g', 'go_to_terminal'],
  ['o', 'open_folder'],
  ['r', 'copy_resume'],
]);

/** Returns the command of `press`, or null when the key belongs to somebody else. */
export function commandFor(press: Press, target: Target): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  const command = COMMANDS.get(key) ?? null;
  if (target === 'field') return key === 'Escape' ? command : null;
  if (target === 'filter') return key === 'Escape' || key === 'ArrowDown' ? command : null;
  if (target === 'control' && command === 'open') return null;
  return command;
}
