import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes } from "react";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
}

/** A labelled line of text. */
export function TextField({ label, hint, ...input }: FieldProps & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} className="input" aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...input} />
      {hint === undefined ? null : (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** What people call their machines and keys. */
export const NameField = (field: Omit<FieldProps, "hint"> & InputHTMLAttributes<HTMLInputElement>) => (
  <TextField pattern="[a-z0-9][a-z0-9\-]*" hint="Lower-case letters, digits and dashes" autoComplete="off" {...field} />
);

interface Option {
  readonly value: string;
  readonly label: string;
}

type SelectProps = FieldProps & SelectHTMLAttributes<HTMLSelectElement> & { readonly options: readonly Option[] };

export function SelectField({ label, hint, options, ...select }: SelectProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" {...select}>
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {hint === undefined ? null : <p className="hint">{hint}</p>}
    </div>
  );
}
