/** The subprotocols of the log stream: JSON text, which is also spoken without one, and CBOR. */
export const JSON_PROTOCOL = "agent.v1.json";
export const CBOR_PROTOCOL = "agent.v1.cbor";
