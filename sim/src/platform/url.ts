/** As much of `URL` as the objects ask: the addresses are the simulator's own, and hold nothing that is escaped. */
export class SimUrl {
  readonly pathname: string;
  readonly searchParams: SimParams;

  constructor(url: string) {
    const query = `${url}?`.indexOf("?");
    this.pathname = url.slice(url.indexOf("/", "https://".length), query);
    this.searchParams = new SimParams(url.slice(query + 1));
  }
}

class SimParams {
  readonly #query: string;

  constructor(query: string) {
    this.#query = `&${query}&`;
  }

  has(name: string): boolean {
    return this.#query.includes(`&${name}=`) || this.#query.includes(`&${name}&`);
  }

  get(name: string): string | null {
    const at = this.#query.indexOf(`&${name}=`);
    if (at < 0) return this.has(name) ? "" : null;
    const from = at + name.length + 2;
    return this.#query.slice(from, this.#query.indexOf("&", from));
  }
}
