/** The form that lets people in. The password goes to the gateway and is kept nowhere. */
import { byId, setText } from "../parts/dom.ts";
import { keepLogin } from "../parts/gateway-login.ts";
import { door } from "./door.ts";
import type { Model } from "./model.ts";

export function loginView(model: Model, entered: () => void): (model: Model) => void {
  const form = byId<HTMLFormElement>("login");
  const [username, password] = ["username", "password"].map((id) => byId<HTMLInputElement>(id));
  const trouble = byId("login-trouble");
  const submit = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (username === undefined || password === undefined || submit?.disabled !== false) return;
    submit.disabled = true;
    setText(trouble, "");
    try {
      const login = await door.logIn(username.value, password.value);
      keepLogin(login);
      model.login = login;
      model.trouble = undefined;
      entered();
    } catch (cause) {
      setText(trouble, cause instanceof Error ? cause.message : String(cause));
      password.focus();
    } finally {
      password.value = "";
      submit.disabled = false;
    }
  });
  let wasIn: boolean | undefined;
  return ({ login, trouble: why }) => {
    const isIn = login !== undefined;
    if (isIn === wasIn) return;
    byId("outside").hidden = isIn;
    byId("inside").hidden = !isIn;
    if (isIn) byId("inside").focus();
    else {
      setText(trouble, why ?? "");
      username?.focus();
    }
    wasIn = isIn;
  };
}
