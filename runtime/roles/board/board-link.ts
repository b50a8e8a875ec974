import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { confirmedWrite, type WritingScript } from '../../coordinator/adapters/confirmed-write.js';

/** How long a replica may take to have what was written, ms. */
const CONFIRM_MS = 300;

const written = z.tuple([z.literal([0, 1]), z.int()]);

/** Writes that count only once a replica has them, where there is one. */
export class BoardLink {
  /** The server had replicas when it was last written to. */
  private followed = false;

  constructor(readonly redis: Redis | Cluster) {}

  /**
   * Runs a script that answers whether it did its work, and the number of replicas. Idempotent scripts only: it may
   * run twice.
   *
   * @throws when Redis does not answer, or no replica has it: then it may be lost, and is to be written again.
   */
  async write(writing: WritingScript): Promise<boolean> {
    for (;;) {
      const waited = this.followed;
      const { answer, confirmed } = await confirmedWrite(this.redis, writing, waited ? CONFIRM_MS : 0);
      const [done, replicas] = written.parse(answer);
      this.followed = replicas > 0;
      if (done === 0) return false;
      if (replicas === 0 || confirmed > 0) return true;
      if (waited) throw new Error('no replica has what was written, so it may be lost with the primary');
    }
  }
}
