/** `agent domain schema`: what a vocabulary in JSON may say, for editors and other programs. */
import { domainSchema } from "../../wire/domain.ts";
import { openOutput } from "../output.ts";

export function schema(): number {
  openOutput(process.stdout, process.env).json(domainSchema());
  return 0;
}
