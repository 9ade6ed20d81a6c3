/** Names a socket that stands for somebody who came with a key. */
export const keyTag = (key_id: string): string => `key ${key_id}`;

/** Why such a socket is closed when the key is worthless. [KEY-3] */
export const keyEnded = { code: 4401, reason: "the key was revoked, or its time is up" } as const;
