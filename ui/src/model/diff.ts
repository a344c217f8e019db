/** Reads a unified diff into lines with their numbers. */

/** One line of a diff. */
export type DiffLine =
  | { readonly kind: 'hunk'; readonly text: string }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'same' | 'add' | 'del';
      readonly before: number | null;
      readonly after: number | null;
      readonly text: string;
    };

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/;

/** Returns the lines of `diff`; lines that are no diff become notes. */
export function parseDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before: number | null = null;
  let after: number | null = null;
  let inHunk = false;
  for (const line of diff.replace(/\n$/, '').split('\n')) {
    if (line.startsWith('@@')) {
      const hunk = HUNK.exec(line);
      inHunk = true;
      before = hunk === null ? null : Number(hunk[1]);
      after = hunk === null ? null : Number(hunk[2]);
      lines.push({ kind: 'hunk', text: line });
      continue;
    }
    if (
      !inHunk &&
      /^(diff |index |--- |\+\+\+ |new file|deleted file|similarity|rename )/.test(line)
    )
      continue;
    const text = line.slice(1);
    switch (line[0]) {
      case '+':
        lines.push({ kind: 'add', before: null, after, text });
        after = after === null ? null : after + 1;
        break;
      case '-':
        lines.push({ kind: 'del', before, after: null, text });
        before = before === null ? null : before + 1;
        break;
      case ' ':
      case undefined:
        lines.push({ kind: 'same', before, after, text });
        before = before === null ? null : before + 1;
        after = after === null ? null : after + 1;
        break;
      default:
        lines.push({ kind: 'note', text: line });
        before = null;
        after = null;
    }
  }
  return lines.length === 1 && diff.trim() === '' ? [] : lines;
}
