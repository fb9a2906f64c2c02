/** The gateway's page: a login, then the sessions. One model, kept up to date by `Live`, drawn by the views. */
import { button, byId, setText } from "../parts/dom.ts";
import { storedLogin } from "../parts/gateway-login.ts";
import { deeds } from "./deeds.ts";
import { door } from "./door.ts";
import { Live } from "./live.ts";
import { loginView } from "./login-view.ts";
import { emptyModel } from "./model.ts";
import { tableView } from "./table-view.ts";
import { topView } from "./top-view.ts";

const model = emptyModel(storedLogin());
const live = new Live(model, () => draw());
const trouble = byId("deeds").appendChild(document.createElement("span"));
trouble.className = "trouble";
trouble.setAttribute("role", "alert");
const doings = deeds({
  said: (text) => setText(byId("said"), text),
  failed: (text) => setText(trouble, text),
  news: () => live.news(),
  loggedOut: () => live.expired(),
  username: () => model.login?.username,
});
const create = button({ id: "create", class: "main" }, doings.create, "Create…");
byId("deeds").append(create);
const leave = button({ id: "logout", class: "plain" }, () => void logOut(), "Log out");
byId("commands").append(leave);
const login = loginView(model, () => {
  draw();
  live.news();
});
const [top, table] = [topView(), tableView(doings)];

function draw(): void {
  document.title = model.login === undefined ? "Log in · gateway" : "Sessions · gateway";
  leave.hidden = model.login === undefined;
  create.disabled = model.silentSinceMs !== undefined;
  login(model);
  top(model);
  table(model);
}

/** Here at once; at the gateway as soon as it hears of it. */
async function logOut(): Promise<void> {
  leave.disabled = true;
  try {
    await door.logOut();
    live.leave("");
  } catch (cause) {
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : "";
    live.leave(
      reason === "" ? "" : `Logged out in this tab, but the token is good for an hour: ${reason}`,
    );
  }
  leave.disabled = false;
}

draw();
live.news();
