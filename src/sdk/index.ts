/**
 * What a plugin imports as "servant-agent". The binary provides it at run time, so a plugin needs
 * no install to run; installing the package gives its types.
 */
export { z } from "zod";
export * from "./plugin-api.ts";
