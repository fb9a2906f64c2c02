/** Which session people mean: by its id, its label, or as much of its id as tells it apart. */
import { ServantError } from "../core/errors.ts";

/** So many characters of an id tell it apart; fewer are mistyped labels, in characters. */
const PREFIX_MIN_CHARS = 4;
const SESSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ID_START = /^[0-9a-f]{8}(?:-[0-9a-f-]{0,27})?$/i;

interface Named {
  readonly session_id: string;
  readonly label?: string | null | undefined;
}

/** True when it is a whole id. */
export function isSessionId(name: string): boolean {
  return SESSION_ID.test(name);
}

/**
 * The one that is meant: an id goes before a label, a label before the beginning of an id. Undefined
 * when there is none.
 *
 * @throws {ServantError} `session.ambiguous`, with the ids of all that are meant
 */
export function namedSession<S extends Named>(sessions: readonly S[], name: string): S | undefined {
  const byId = sessions.find(({ session_id }) => session_id === name);
  if (byId !== undefined) return byId;
  const byLabel = sessions.filter(({ label }) => label === name);
  if (byLabel.length > 0) return only(byLabel, name, "label");
  if (name.length < PREFIX_MIN_CHARS) return undefined;
  return sessionByIdStart(sessions, name);
}

/** True of what can only be the beginning of an id: as much of it as tables show, or more. */
export function isIdStart(name: string): boolean {
  return ID_START.test(name);
}

/** The one whose id begins so. @throws {ServantError} `session.ambiguous` */
export function sessionByIdStart<S extends Named>(
  sessions: readonly S[],
  name: string,
): S | undefined {
  const start = name.toLowerCase();
  const meant = sessions.filter(({ session_id }) => session_id.toLowerCase().startsWith(start));
  return only(meant, name, "beginning of an id");
}

function only<S extends Named>(meant: readonly S[], name: string, kind: string): S | undefined {
  if (meant.length <= 1) return meant[0];
  throw new ServantError(
    "session.ambiguous",
    [
      `Cannot tell which session "${name}" is: ${meant.length} have this ${kind}`,
      ...meant.map(({ session_id, label }) => `  ${session_id}  ${label ?? ""}`.trimEnd()),
    ].join("\n"),
  );
}
