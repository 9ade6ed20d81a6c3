/** What others show of a link to `/run/<org>/<repo>`: a title, a line and a picture. */

const NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
const RUN = new RegExp(`^/run/(?<org>${NAME})/(?<repo>${NAME}?)(?<image>/card\\.svg)?$`);

/** Open Graph tags of a link, for the page's head. */
export function runCard(url: URL): string | undefined {
  const model = RUN.exec(url.pathname)?.groups;
  if (model === undefined || model["image"] !== undefined) return undefined;
  const id = `${model["org"]}/${model["repo"]}`;
  const tags: Readonly<Record<string, string>> = {
    "og:type": "website",
    "og:site_name": "rbee",
    "og:title": `Run ${id}`,
    "og:description": `Fetch ${id} and run it on your own GPUs. Nothing starts before you confirm.`,
    "og:url": `${url.origin}/run/${id}`,
    "og:image": `${url.origin}/run/${id}/card.svg`,
    "og:image:type": "image/svg+xml",
    "og:image:width": "1200",
    "og:image:height": "630",
    "og:image:alt": `Run ${id} with rbee`,
    "twitter:card": "summary_large_image",
  };
  return Object.entries(tags)
    .map(([name, content]) => `<meta property="${name}" content="${escaped(content)}">`)
    .join("");
}

/** The picture of a link. */
export function runCardImage(path: string): string | undefined {
  const model = RUN.exec(path)?.groups;
  if (model?.["image"] === undefined) return undefined;
  const { org = "", repo = "" } = model;
  const size = Math.min(84, Math.floor(1_900 / Math.max(repo.length, 1)));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="630" viewBox="0 0 1200 630" font-family="Geist, Inter, system-ui, sans-serif">
<rect width="1200" height="630" fill="#14120f"/>
<path d="M1010 330l104 60v120l-104 60-104-60V390zM1126 128l104 60v120l-104 60-104-60V188zM894 128l104 60v120l-104 60-104-60V188z" fill="none" stroke="#f5b83d" stroke-opacity=".35" stroke-width="6"/>
<text x="80" y="130" fill="#f5b83d" font-size="40" font-weight="700">rbee</text>
<text x="80" y="300" fill="#a8a196" font-size="40">${escaped(org)} /</text>
<text x="80" y="${310 + size}" fill="#f4f0e9" font-size="${size}" font-weight="700">${escaped(repo)}</text>
<text x="80" y="550" fill="#a8a196" font-size="34">Run it on your own GPUs</text>
</svg>`;
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
