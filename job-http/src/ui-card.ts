/** What others show of a link to `/run/<org>/<repo>`: a title, a line and a picture. */

const NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
const RUN = new RegExp(`^/run/(?<org>${NAME})/(?<repo>${NAME})$`);

/**
 * Open Graph tags of a link, for the page's head. The title names the model. The picture is the same for all: most sites
 * show PNG only, and to draw a name into one takes a rasteriser with fonts, megabytes of the Worker's few.
 */
export function runCard(url: URL): string | undefined {
  const model = RUN.exec(url.pathname)?.groups;
  if (model === undefined) return undefined;
  const id = `${model["org"]}/${model["repo"]}`;
  const tags: Readonly<Record<string, string>> = {
    "og:type": "website",
    "og:site_name": "rbee",
    "og:title": `Run ${id}`,
    "og:description": `Fetch ${id} and run it on your own GPUs. Nothing starts before you confirm.`,
    "og:url": `${url.origin}/run/${id}`,
    "og:image": `${url.origin}/card.png`,
    "og:image:type": "image/png",
    "og:image:width": "1200",
    "og:image:height": "630",
    "og:image:alt": "rbee: one address for all the GPUs you own",
  };
  const graph = Object.entries(tags).map(
    ([name, content]) => `<meta property="${name}" content="${escaped(content)}">`,
  );
  return `${graph.join("")}<meta name="twitter:card" content="summary_large_image">`;
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
