/** Reads the small part of Markdown that agents write into a tree; nothing in it becomes markup. */

/** A piece of text within a line. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis'; readonly content: readonly Inline[] }
  | { readonly kind: 'link'; readonly content: readonly Inline[]; readonly target: string };

/** A block of text. */
export type MarkdownBlock =
  | { readonly kind: 'paragraph'; readonly content: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: number; readonly content: readonly Inline[] }
  | { readonly kind: 'code'; readonly language: string; readonly text: string }
  | { readonly kind: 'quote'; readonly blocks: readonly MarkdownBlock[] }
  | {
      readonly kind: 'list';
      readonly start: number | null;
      readonly items: readonly (readonly MarkdownBlock[])[];
    }
  | {
      readonly kind: 'table';
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly kind: 'rule' };

/** Deeper quotes and lists than this are read as plain paragraphs. */
const MAX_DEPTH = 6;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.+?)\s*#*$/;
const RULE = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** Returns the blocks of `text`. */
export function parseMarkdown(text: string): MarkdownBlock[] {
  return blocks(text.replace(/\r\n?/g, '\n').split('\n'), 0);
}

function blocks(lines: readonly string[], depth: number): MarkdownBlock[] {
  const out: MarkdownBlock[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const next = lines[at + 1];
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === '') {
      at += 1;
    } else if (fence?.[1] !== undefined) {
      const end = fenceEnd(lines, at + 1, fence[1]);
      out.push({
        kind: 'code',
        language: fence[2] ?? '',
        text: lines.slice(at + 1, end).join('\n'),
      });
      at = end + 1;
    } else if (heading?.[1] !== undefined) {
      out.push({
        kind: 'heading',
        level: heading[1].length,
        content: parseInline(heading[2] ?? ''),
      });
      at += 1;
    } else if (RULE.test(line)) {
      out.push({ kind: 'rule' });
      at += 1;
    } else if (depth < MAX_DEPTH && /^ {0,3}>/.test(line)) {
      const end = runEnd(lines, at, (other) => /^ {0,3}>/.test(other));
      out.push({
        kind: 'quote',
        blocks: blocks(
          lines.slice(at, end).map((other) => other.replace(/^ {0,3}> ?/, '')),
          depth + 1,
        ),
      });
      at = end;
    } else if (depth < MAX_DEPTH && ITEM.test(line)) {
      const list = readList(lines, at, depth);
      out.push(list.block);
      at = list.end;
    } else if (line.includes('|') && next?.includes('|') === true && TABLE_RULE.test(next)) {
      const end = runEnd(lines, at + 2, (other) => other.includes('|'));
      out.push({ kind: 'table', head: cells(line), rows: lines.slice(at + 2, end).map(cells) });
      at = end;
    } else {
      const end = Math.max(
        at + 1,
        runEnd(lines, at, (other) => !breaksParagraph(other)),
      );
      out.push({ kind: 'paragraph', content: parseInline(lines.slice(at, end).join('\n')) });
      at = end;
    }
  }
  return out;
}

function fenceEnd(lines: readonly string[], from: number, mark: string): number {
  const end = lines.findIndex(
    (line, index) =>
      index >= from &&
      line.trim().startsWith(mark) &&
      line.trim().replaceAll(mark.charAt(0), '') === '',
  );
  return end === -1 ? lines.length : end;
}

function runEnd(
  lines: readonly string[],
  from: number,
  belongs: (line: string) => boolean,
): number {
  const end = lines.findIndex((line, index) => index >= from && !belongs(line));
  return end === -1 ? lines.length : end;
}

function breaksParagraph(line: string): boolean {
  return (
    line.trim() === '' ||
    FENCE.test(line) ||
    HEADING.test(line) ||
    RULE.test(line) ||
    /^ {0,3}>/.test(line) ||
    ITEM.test(line)
  );
}

function readList(
  lines: readonly string[],
  from: number,
  depth: number,
): { block: MarkdownBlock; end: number } {
  const first = ITEM.exec(lines[from] ?? '');
  const indent = first?.[1]?.length ?? 0;
  const ordered = first?.[3] !== undefined;
  const items: string[][] = [];
  let at = from;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const item = ITEM.exec(line);
    const own = item !== null && (item[1]?.length ?? 0) <= indent + 1;
    if (own && (item[3] !== undefined) !== ordered) break;
    const last = items.at(-1);
    if (own) {
      items.push([item[4] ?? '']);
    } else if (line.trim() === '') {
      const following = lines[at + 1];
      if (following === undefined || !(/^\s{2,}\S/.test(following) || ITEM.test(following))) break;
      last?.push('');
    } else if (/^\s{2,}/.test(line)) {
      last?.push(line.slice(Math.min(indent + 2, line.search(/\S/))));
    } else if (lines[at - 1]?.trim() === '' || breaksParagraph(line)) {
      break;
    } else {
      last?.push(line.trim());
    }
    at += 1;
  }
  const start = ordered ? Number(first?.[3] ?? 1) : null;
  return {
    block: { kind: 'list', start, items: items.map((item) => blocks(item, depth + 1)) },
    end: at,
  };
}

function cells(line: string): Inline[][] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => parseInline(cell.trim()));
}

const INLINE =
  /(`+)([\s\S]+?)\1(?!`)|\*\*(?=\S)([\s\S]+?\S|\S)\*\*|(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_]*[^\s_])_(?!\w)|\[([^\][]+)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)/g;

/** Returns the pieces of a line. */
export function parseInline(text: string): Inline[] {
  const out: Inline[] = [];
  let done = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > done) out.push({ kind: 'text', text: text.slice(done, match.index) });
    out.push(piece(match));
    done = match.index + match[0].length;
  }
  if (done < text.length) out.push({ kind: 'text', text: text.slice(done) });
  return out;
}

function piece(match: RegExpMatchArray): Inline {
  const [whole, , code, strong, star, underscore, label, target] = match;
  if (code !== undefined)
    return { kind: 'code', text: code.length > 2 ? code.replace(/^ (.+) $/s, '$1') : code };
  if (strong !== undefined) return { kind: 'strong', content: parseInline(strong) };
  const emphasis = star ?? underscore;
  if (emphasis !== undefined) return { kind: 'emphasis', content: parseInline(emphasis) };
  if (label !== undefined)
    return { kind: 'link', content: parseInline(label), target: target ?? '' };
  return { kind: 'text', text: whole };
}

/** Returns the first piece of code in `text` that can be run, as far as a blank in it tells. */
export function commandIn(text: string | null): string | null {
  const found = parseInline(text ?? '').find(
    (one) => one.kind === 'code' && one.text.includes(' '),
  );
  return found?.kind === 'code' ? found.text : null;
}
