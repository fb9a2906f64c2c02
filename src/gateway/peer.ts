/** Whom a request comes from, and whom to count together. */
import { BlockList, isIP } from "node:net";
import { ServantError } from "../core/errors.ts";

export type IsTrusted = (address: string) => boolean;

/**
 * Recognizes the proxies whose word is taken: addresses, or subnets as `10.0.0.0/8`.
 *
 * @throws {ServantError} `usage.invalid`
 */
export function trusted(proxies: readonly string[]): IsTrusted {
  if (proxies.length === 0) return () => false;
  const list = new BlockList();
  for (const each of proxies) {
    const [address = "", bits] = each.split("/");
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = /^\d{1,3}$/.test(bits ?? String(most)) ? Number(bits ?? most) : Number.NaN;
    if (version === 0 || !(prefix <= most)) {
      throw new ServantError("usage.invalid", `Cannot trust "${each}": no address, no subnet`);
    }
    list.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}

/**
 * The client behind trusted proxies. Each proxy adds whom it was asked by at the end, so the last
 * address that is no trusted proxy's own is the client; what stands before it anybody may have written.
 */
export function clientAddress(
  peer: string,
  forwarded: string | null,
  isTrusted: IsTrusted,
): string {
  let client = plainAddress(peer);
  const hops = forwarded === null ? [] : forwarded.slice(-FORWARDED_MAX_CHARS).split(",");
  while (isTrusted(client)) {
    const hop = plainAddress(hops.pop() ?? "");
    if (isIP(hop) === 0) return client;
    client = hop;
  }
  return client;
}

/** More than that tells of no client, in characters. */
const FORWARDED_MAX_CHARS = 2_048;

/** Without a port, a zone, brackets; IPv4 inside of IPv6 as itself. */
export function plainAddress(text: string): string {
  if (/^[\d.]+$/.test(text)) return text; // as most are
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](?::\d+)?$/, "$1")
    .replace(/%.*$/, "");
  const isIpv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/i.exec(bare)?.[1];
  return isIpv4 ?? bare.toLowerCase();
}

/** Whom to count together: whoever has one IPv6 address has all of its /64. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  // As the standard writes it: no IPv4 at its end, and at most one gap.
  const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = head === "" ? [] : head.split(":");
  const behind = tail === "" ? [] : tail.split(":");
  const gap = new Array<string>(8 - groups.length - behind.length).fill("0");
  return `${[...groups, ...gap, ...behind].slice(0, 4).join(":")}::/64`;
}
