import { buildUi } from "@rbee/web-ui/build";

/** Before all tests, so that nothing is timed while the interface is built. */
export const setup = (): Promise<void> => buildUi();
