import { runCard } from "./ui-card.ts";

/** A file of the built interface by its path below the folder, `index.html` or `assets/…`; nothing when there is none. */
export type UiFiles = (path: string) => Promise<BodyInit | undefined>;

/** Paths that belong to programs: whoever asks, they never answer with a page. */
const API = /^\/(v1|api|openai|health|metrics|openapi\.json)(\/|$)/;
const PAGE = /^\/($|(models|workers|jobs|chat|usage|keys|settings|add|install|run)(\/|$))/;
const FILE = /^\/(assets\/)?[\w-]+(\.[\w-]+)*\.(?<kind>js|css|svg|png|woff2|webmanifest)$/;

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  woff2: "font/woff2",
  webmanifest: "application/manifest+json",
};

/** Scripts and styles come from here and nowhere else, none stands in the page, and no other site may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const NO_SNIFFING = { "x-content-type-options": "nosniff" };
const PAGE_HEADERS = {
  ...NO_SNIFFING,
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  // Its name never changes, and what it names does.
  "cache-control": "no-cache",
  // `/` is a page for people and a few lines of text for programs.
  vary: "accept",
};

/** What of a request is for the interface; nothing when it is for the API. */
export async function uiResponse(request: Request, files: UiFiles): Promise<Response | undefined> {
  const url = new URL(request.url);
  if ((request.method !== "GET" && request.method !== "HEAD") || API.test(url.pathname)) return undefined;
  const kind = FILE.exec(url.pathname)?.groups?.["kind"];
  if (kind !== undefined) {
    const body = await files(url.pathname.slice(1));
    const hashed = url.pathname.startsWith("/assets/");
    if (body === undefined) return undefined;
    return fileResponse(body, kind, hashed ? "public, max-age=31536000, immutable" : "no-cache");
  }
  const card = runCard(url);
  // Other sites ask for the card of a link, and say that they take anything.
  if (card === undefined && !wantsPage(request)) return undefined;
  return page(url, files, card);
}

const wantsPage = (request: Request): boolean => (request.headers.get("accept") ?? "").includes("text/html");

const fileResponse = (body: BodyInit, kind: string, cache: string): Response =>
  new Response(body, {
    headers: { ...NO_SNIFFING, "content-type": TYPES[kind] ?? "application/octet-stream", "cache-control": cache },
  });

async function page(url: URL, files: UiFiles, card: string | undefined): Promise<Response> {
  const index = await files("index.html");
  if (index === undefined) return notBuilt();
  const html = await new Response(index).text();
  // A function, since a replacement text has a language of its own.
  const body = card === undefined ? html : html.replace("<!--card-->", () => card);
  return new Response(body, { status: PAGE.test(url.pathname) ? 200 : 404, headers: PAGE_HEADERS });
}

/** The first start builds it meanwhile. */
const notBuilt = (): Response =>
  new Response(
    '<!doctype html><html lang="en"><title>rbee</title><p>The interface is being built; this page comes back by itself. ' +
      "If it does not, run <code>npm run ui</code> and look what it says.</p></html>",
    { status: 503, headers: { ...PAGE_HEADERS, refresh: "1", "retry-after": "1" } },
  );
