/** Reads one session's transcript and reads on when the session changes. */
import type { SessionId } from '../bindings/SessionId';
import type { TranscriptPage } from '../bindings/TranscriptPage';
import type { Host } from '../host/host';
import { emptyTimeline, merge, type Timeline } from '../model/timeline';
import { Reader } from './reader.svelte';

/** The transcript of one session. */
export class Transcript extends Reader<Timeline, TranscriptPage> {
  readonly #host: Host;
  readonly #id: SessionId;

  constructor(host: Host, id: SessionId) {
    super(emptyTimeline());
    this.#host = host;
    this.#id = id;
  }

  get timeline(): Timeline {
    return this.whole;
  }

  protected ask(cursor: string | null): Promise<TranscriptPage> {
    return this.#host.transcript(this.#id, cursor);
  }

  protected add(timeline: Timeline, page: TranscriptPage): Timeline {
    return merge(timeline, page);
  }
}
