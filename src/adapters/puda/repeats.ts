/**
 * Commands that were asked for lately, to know one again that is published twice (W22): a commander
 * that heard no confirmation cannot know that it was. By the server's times, never by ours.
 */
import type { AuditId } from "../../core/assignment.ts";

/** The window in which a server itself knows a message id again, in milliseconds. */
export const REPEAT_WITHIN_MS = 120_000;
const REMEMBERED_MAX = 1_000;

export class Repeats {
  readonly #asked = new Map<string, { readonly auditId: AuditId; readonly atMs: number }>();

  /** The audit id under which the same was asked before. */
  find(same: string, atMs: number): AuditId | undefined {
    const asked = this.#asked.get(same);
    if (asked === undefined || Math.abs(atMs - asked.atMs) > REPEAT_WITHIN_MS) return undefined;
    return asked.auditId;
  }

  add(same: string, auditId: AuditId, atMs: number): void {
    if (this.find(same, atMs) !== undefined) return; // the window begins with the first
    this.#asked.delete(same);
    this.#asked.set(same, { auditId, atMs });
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > REMEMBERED_MAX && oldest !== undefined) this.#asked.delete(oldest);
  }

  clear(): void {
    this.#asked.clear();
  }
}
