/** What the bench uses of `ws`, whose API Bun brings. */
declare module "ws" {
  export interface Client {
    readonly bufferedAmount: number;
    send(data: string): void;
    on(event: "message", listener: (data: { toString(): string }) => void): this;
    on(event: "close", listener: () => void): this;
  }
  export class WebSocketServer {
    constructor(options: { port: number; host: string });
    on(event: "connection", listener: (client: Client) => void): this;
    on(event: "listening", listener: () => void): this;
    address(): { readonly port: number };
  }
}
