/** Shows the commands of a task as steps of work. */
import type { TaskCommand } from '../bindings/TaskCommand';
import type { EntryOf } from './timeline';

/** Returns the step of the command at place `index`. */
export function stepOf(command: TaskCommand, index: number): EntryOf<'command'> {
  return {
    key: `command ${index}`,
    at: null,
    turn_id: null,
    type: 'command',
    cwd: null,
    duration_ms: null,
    command: command.command,
    status: command.status,
    exit_code: command.exit_code,
    output: command.output,
  };
}
