import { expect, test } from "bun:test";
import { endpointUrl, parseEndpoint } from "../../../src/adapters/zmtp/endpoint.ts";
import { isServantError } from "../../../src/core/errors.ts";
import { servedRep } from "../../support/zmq-server.ts";

test("an endpoint is read as ZeroMQ's users write it", () => {
  const tcp = (hostname: string, port: number) => ({ transport: "tcp" as const, hostname, port });
  expect(parseEndpoint("tcp://127.0.0.1:7613")).toEqual(tcp("127.0.0.1", 7613));
  expect(parseEndpoint("tcp://localhost:7613")).toEqual(tcp("localhost", 7613));
  expect(parseEndpoint("tcp://*:*")).toEqual(tcp("0.0.0.0", 0));
  expect(parseEndpoint("tcp://[::1]:1")).toEqual(tcp("::1", 1));
  expect(parseEndpoint("ipc:///run/arm.sock")).toEqual({ transport: "ipc", path: "/run/arm.sock" });
  expect(parseEndpoint("ipc://./arm.sock")).toEqual({ transport: "ipc", path: "./arm.sock" });
  expect(endpointUrl(tcp("::1", 1))).toBe("tcp://[::1]:1");
});

test("what is no endpoint is refused", () => {
  for (const text of [
    ...["", "127.0.0.1:7613", "tcp://", "tcp://host", "tcp://host:", "tcp://:7613", "tcp://::1"],
    ...["tcp://host:65536", "tcp://host:-1", "tcp://a:1/b", "udp://a:1", "ipc://", "ipc://*"],
    "ipc://@abstract",
  ]) {
    const refused = () => parseEndpoint(text);
    expect(refused, text).toThrow("Cannot use");
  }
});

test("a port that is taken and a host that is not here are told apart", async () => {
  using served = await servedRep();
  const code = async (url: string) => {
    try {
      using _ = await servedRep({ urls: [url] });
      return undefined;
    } catch (cause) {
      return isServantError(cause) && cause.code;
    }
  };
  expect(await code(served.url)).toBe("local.port-in-use");
  expect(await code("tcp://192.0.2.1:0")).toBe("local.bad-address");
  expect(await code("tcp://nowhere.invalid:0")).toBe("local.bad-address");
});
