interface Described {
  readonly name: string;
  readonly description?: string | undefined;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** Leaving parameters out says that there are none. */
const NONE = { additionalProperties: false };

/** A tool as the operation has it. Templates of models walk over the parameters, so there is always a list of them. */
export const toolOf = ({ name, description, parameters = NONE }: Described) => ({
  type: "function",
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: { type: "object", properties: {}, ...parameters },
  },
});
