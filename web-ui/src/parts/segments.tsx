interface SegmentsProps<Name extends string> {
  readonly label: string;
  /** Names and what they are called. */
  readonly options: Readonly<Record<Name, string>>;
  readonly value: Name;
  readonly onChange: (name: Name) => void;
}

/** A few choices of which one holds. */
export const Segments = <Name extends string>({ label, options, value, onChange }: SegmentsProps<Name>) => (
  <div className="segments" role="group" aria-label={label}>
    {(Object.keys(options) as Name[]).map((name) => (
      <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>
        {options[name]}
      </button>
    ))}
  </div>
);
