/**
 * A process of its own that opens an adapter, follows and stops, and then has nothing to do: it
 * ends, unless the adapter left a timer or a connection that keeps it.
 * `bun leaving.ts MODULE PORT`
 */
import { Follower, type Opened } from "./dialect.ts";

const [, , module = "", port = ""] = process.argv;
const { adapterTo } = (await import(`./${module}`)) as {
  adapterTo(port: number): Promise<Opened>;
};
const { backend, close } = await adapterTo(Number(port));
const follower = (await new Follower(backend).register()).follow();
await Bun.sleep(100); // it has begun to ask
await follower.stop();
await close();
console.log("followed, stopped");
