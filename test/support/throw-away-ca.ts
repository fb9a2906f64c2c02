/** A certificate authority for one test: nobody else trusts it, and its key goes with its folder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ThrowAwayCa {
  /** PEM files. */
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
  /** The authority's certificate, PEM. */
  readonly ca: string;
}

/** Makes one in `folder`, and a certificate of it for 127.0.0.1, ::1 and localhost. */
export async function throwAwayCa(folder: string): Promise<ThrowAwayCa> {
  const at = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    ...["req", "-x509", "-days", "2", "-subj", "/CN=throw-away CA", ...key],
    ...["-addext", "basicConstraints=critical,CA:TRUE"],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
    ...["-keyout", at("ca.key"), "-out", at("ca.pem")],
  );
  await openssl(
    ...["req", "-subj", "/CN=localhost", ...key],
    ...["-keyout", at("key.pem"), "-out", at("request.pem")],
  );
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n";
  // Python 3.13 wants the identifiers, too.
  const rest = "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid:always\n";
  writeFileSync(at("extensions"), `${names}${rest}extendedKeyUsage=serverAuth\n`);
  await openssl(
    ...["x509", "-req", "-days", "2", "-in", at("request.pem"), "-extfile", at("extensions")],
    ...["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-out", at("cert.pem")],
  );
  return {
    caPath: at("ca.pem"),
    certPath: at("cert.pem"),
    keyPath: at("key.pem"),
    ca: await Bun.file(at("ca.pem")).text(),
  };
}

async function openssl(...args: string[]): Promise<void> {
  const child = Bun.spawn(["openssl", ...args], { stdout: "ignore", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`openssl ${args[0]}: ${said}`);
}
