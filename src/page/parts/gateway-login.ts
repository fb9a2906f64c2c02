/**
 * Who is logged in to the gateway that this page comes from. Kept for this tab alone and gone with it: no
 * cookie, so nothing of another site ever carries it, and no address, so no history and no log has it.
 */
import type { LoginReply } from "../../wire/gateway.ts";

export type Login = Pick<LoginReply, "token" | "username" | "role">;

const ITEM = "agent.gateway-login";
/** For a browser that keeps nothing for this page. */
let own: Login | undefined;

export function storedLogin(): Login | undefined {
  try {
    const kept = sessionStorage.getItem(ITEM);
    return kept === null ? own : (JSON.parse(kept) as Login);
  } catch {
    return own;
  }
}

export function keepLogin({ token, username, role }: Login): void {
  own = { token, username, role };
  try {
    sessionStorage.setItem(ITEM, JSON.stringify(own));
  } catch {
    // `own` has it, as long as this page is open.
  }
}

export function forgetLogin(): void {
  own = undefined;
  try {
    sessionStorage.removeItem(ITEM);
  } catch {
    // It kept none.
  }
}
