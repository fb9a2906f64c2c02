// Goal: the servant may rely on the same promises whatever dialect its backend speaks.
// Method: one suite of rules on each adapter, before a real peer on a real socket, over a wire that
// the test cuts; and on the fake that the servant's own tests use.
import { backendRules } from "./backend-port.ts";
import { dynosOurs } from "./dialects/dynos-ours.ts";
import { dynosPlain } from "./dialects/dynos-plain.ts";
import { fake } from "./dialects/fake.ts";

for (const dialect of [fake, dynosPlain, dynosOurs]) backendRules(dialect);
