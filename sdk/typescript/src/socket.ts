/** The part of a WebSocket that the inbox uses. */
export interface SocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  /** Lets the inbox see the pings of the platform, so that it notices a lost connection early. Browsers do not have it. */
  on?(event: "ping", listener: () => void): unknown;
  close(): void;
}

/** A WebSocket constructor, such as that of browsers or of the package ws. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** Opens a WebSocket in browsers. They send their own User-Agent. */
export async function openSocket(
  url: string,
  protocols: string[],
  _userAgent?: string | undefined,
  Constructor: SocketConstructor = WebSocket,
): Promise<SocketLike> {
  return new Constructor(url, protocols);
}
