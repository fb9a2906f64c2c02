/** An authority for one test, and what it has signed: a server's certificate for this machine. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates extends Disposable {
  /** PEM files: who trusts `ca` trusts the server that has `cert` and `key`. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Made anew each time; gone with its scope. For 127.0.0.1, localhost and these names. */
export function throwAwayCertificates(...names: string[]): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "agent-ca-"));
  const [ca, caKey, cert, key, request, extensions] = [
    ...["ca.pem", "ca-key.pem", "cert.pem", "key.pem", "request.pem", "extensions"],
  ].map((name) => join(folder, name)) as [string, string, string, string, string, string];
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subjects = ["IP:127.0.0.1", "DNS:localhost", ...names.map((name) => `DNS:${name}`)];
  writeFileSync(extensions, `subjectAltName=${subjects.join(",")}\nbasicConstraints=CA:FALSE\n`);
  openssl(
    ...["req", "-x509", ...fresh, "-days", "2", "-subj", "/CN=throw-away authority"],
    // Python 3.13 takes no authority that does not say what its key is for.
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", caKey, "-out", ca],
  );
  openssl("req", ...fresh, "-subj", "/CN=localhost", "-keyout", key, "-out", request);
  openssl(
    ...["x509", "-req", "-in", request, "-CA", ca, "-CAkey", caKey, "-CAcreateserial"],
    ...["-days", "2", "-extfile", extensions, "-out", cert],
  );
  return {
    ca,
    cert,
    key,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function openssl(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args]);
  if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
