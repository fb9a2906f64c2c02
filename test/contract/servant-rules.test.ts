// Goal: nothing is lost, doubled or run again, whatever dialect the backend speaks.
// Method: one suite on the real servant with each adapter, before a real peer on a real socket.
import { dynosOurs } from "./dialects/dynos-ours.ts";
import { dynosPlain } from "./dialects/dynos-plain.ts";
import { fake } from "./dialects/fake.ts";
import { servantRules } from "./servant-rules.ts";

for (const dialect of [fake, dynosPlain, dynosOurs]) servantRules(dialect);
