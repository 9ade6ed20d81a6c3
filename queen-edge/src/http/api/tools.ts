interface Described {
  readonly name: string;
  readonly description?: string | undefined;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** A tool as the operation has it. Templates of models walk over the parameters, so there is always a list of them. */
export const toolOf = ({ name, description, parameters = {} }: Described) => ({
  type: "function",
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: {
      type: "object",
      properties: {},
      ...(namesNothing(parameters) ? { additionalProperties: false } : {}),
      ...parameters,
    },
  },
});

/** What a schema may say and still allow no argument by name. */
const SAYS_NOTHING = new Set(["type", "properties", "required", "title", "description", "$schema"]);

/** Clients that leave the parameters out, or list none, mean that there are none. */
const namesNothing = ({ properties = {}, ...rest }: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(properties ?? {}).length === 0 && Object.keys(rest).every((key) => SAYS_NOTHING.has(key));
