import { notUnderstood } from "./error.ts";

/** What came, as what the protocol says it is. @throws RbeeError where it is not even JSON */
export function parsed<T>(text: string, what: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw notUnderstood(`${what} is not JSON`);
  }
}
