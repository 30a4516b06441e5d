import type { SocketConstructor, SocketLike } from "./socket.js";

/** A constructor that takes headers: the global one of Node.js with the protocols, and that of ws as third argument. */
type NodeConstructor = new (url: string, protocols: unknown, options?: unknown) => SocketLike;

/** Opens a WebSocket in Node.js: with the global constructor, or else with that of the package ws. */
export async function openSocket(
  url: string,
  protocols: string[],
  userAgent: string | undefined,
  Constructor?: SocketConstructor,
): Promise<SocketLike> {
  const native = (globalThis as { WebSocket?: NodeConstructor }).WebSocket;
  if (Constructor || (native && !userAgent)) {
    return new (Constructor ?? native!)(url, protocols);
  }
  const headers = { "User-Agent": userAgent };
  return native ? new native(url, { protocols, headers }) : new (await load())(url, protocols, { headers });
}

async function load(): Promise<NodeConstructor> {
  try {
    // The package is optional, so bundlers and the compiler must not look for it.
    const name = "ws";
    return ((await import(name)) as { default: NodeConstructor }).default;
  } catch (cause) {
    throw new Error("Node.js before version 22 has no WebSocket: install the package ws, or give the option WebSocket", { cause });
  }
}
