/** What of a gateway's command line each of its sessions is started with. */
import { resolve } from "node:path";
import type { HostOptions } from "./options.ts";

export function sessionArgs(options: HostOptions): string[] {
  const { domain, domainPath, lease, maxBody, maxReplans, missions, silentLease, timeScale } =
    options;
  return [
    ...domain.flatMap((each) => ["--domain", each]),
    ...domainPath.flatMap((each) => ["--domain-path", resolve(each)]),
    ...["--lease", String(lease), "--silent-lease", String(silentLease)],
    ...["--max-replans", String(maxReplans), "--time-scale", String(timeScale)],
    ...["--max-body", String(maxBody)],
    ...(missions === undefined ? [] : ["--missions", resolve(missions)]),
  ];
}
