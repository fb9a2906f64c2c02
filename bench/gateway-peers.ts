/** Debian's reverse proxies in front of one server, as their manuals have it: kept connections, no log. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { end } from "./processes.ts";

export interface Peer {
  readonly name: string;
  readonly http: number;
  readonly https: number;
  stop(): Promise<void>;
}

export interface Behind {
  readonly folder: string;
  /** The server that they lead to, on 127.0.0.1. */
  readonly port: number;
  /** PEM files. */
  readonly cert: string;
  readonly key: string;
}

type Ports = Behind & { readonly http: number; readonly https: number };

const nginx = ({ cert, folder, http, https, key, port }: Ports) => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxied;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream session { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${http}; listen 127.0.0.1:${https} ssl;
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    location / {
      proxy_pass http://session; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host 127.0.0.1:${port}; proxy_buffering off; proxy_request_buffering off;
    }
  }
}`;

const haproxy = ({ folder, http, https, port }: Ports) => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend outside
  bind 127.0.0.1:${http}
  bind 127.0.0.1:${https} ssl crt ${folder}/haproxy.pem
  default_backend session
backend session
  http-request set-header Host 127.0.0.1:${port}
  server one 127.0.0.1:${port}`;

/** Those that are installed: \`apt-get install nginx-light haproxy\`. */
export async function startPeers(behind: Behind): Promise<readonly Peer[]> {
  const { cert, folder, key } = behind;
  writeFileSync(
    join(folder, "haproxy.pem"),
    readFileSync(cert, "utf8") + readFileSync(key, "utf8"),
  );
  const peers = {
    nginx: { text: nginx, command: (file: string) => ["nginx", "-c", file, "-e", "stderr"] },
    haproxy: { text: haproxy, command: (file: string) => ["haproxy", "-f", file] },
  };
  const started: Peer[] = [];
  for (const [name, { text, command }] of Object.entries(peers)) {
    const program = Bun.which(name, { PATH: `${process.env.PATH}:/usr/sbin` });
    if (program === null) {
      console.error(`without ${name}: it is not installed (apt-get install nginx-light haproxy)`);
      continue;
    }
    const [http, https] = [freePort(), freePort()];
    const file = join(folder, `${name}.conf`);
    writeFileSync(file, `${text({ ...behind, http, https })}\n`);
    const [, ...args] = command(file);
    const stdio = ["ignore", "ignore", Bun.file(join(folder, `${name}.out`))] as const;
    const child = Bun.spawn([program, ...args], { stdio: [...stdio] });
    await listening(http);
    started.push({ name, http, https, stop: () => end(child) });
  }
  return started;
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 250; tries += 1) {
    try {
      (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).end();
      return;
    } catch {
      await Bun.sleep(20);
    }
  }
  throw new Error(`nobody listens on ${port}`);
}
